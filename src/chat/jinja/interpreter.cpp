// The life of one render and its accounts.
#include "chat/jinja/interpreter.h"

#include "chat/jinja/limits.h"

namespace handmill::chat::jinja {
namespace {
constexpr size_t kTrackedFrom = 1024;  // shorter strings are bounded by the steps that made them
}

Interpreter::Interpreter(const Dict& globals)
    : globals_(globals), live_bytes_(std::make_shared<size_t>(0)) {
  scope_ = open_scope(nullptr);
}

Interpreter::~Interpreter() {
  // Objects may hold each other in a ring or in a chain too long to be freed by recursion; while
  // they are all still held here, each can be emptied on its own.
  for (Scope& scope : scopes_) scope.variables.clear();
  for (const ObjectPtr& object : kept_) object->clear();
}

Result<Marked> Interpreter::render(const Block& block) {
  Marked out;
  out_ = &out;
  auto flow = run(block);
  out_ = nullptr;
  if (flow.ok()) return out;
  Error error = flow.error();
  if (line_ > 0) error.message = fmt::format("line {}: {}", line_, error.message);
  return error;
}

Status Interpreter::spend(uint64_t steps) {
  if (steps <= kStepsMax - steps_) {
    steps_ += steps;
    return {};
  }
  return base::limit("steps: more than {}", kStepsMax);
}

Status Interpreter::check_depth() const {
  if (depth_ <= kRecursionDepthMax) return {};
  return base::limit("recursion depth: more than {}", kRecursionDepthMax);
}

Result<Value> Interpreter::text(Marked text) {
  if (text.overflowed()) return base::limit("string bytes: more than {}", kTextBytesMax);
  HANDMILL_OK(spend_bytes(text.size()));
  size_t size = text.size();
  if (size < kTrackedFrom) return Value(std::make_shared<const Marked>(std::move(text)));
  if (*live_bytes_ + size > kLiveBytesMax) {
    return base::limit("live string bytes: more than {}", kLiveBytesMax);
  }
  *live_bytes_ += size;
  auto release = [live = live_bytes_, size](const Marked* dead) {
    *live -= size;
    delete dead;
  };
  return Value(TextPtr(new Marked(std::move(text)), std::move(release)));
}

void Interpreter::release_last(const Object* object) {
  // Held by this list and by the loop that ends: no template variable can reach it any more.
  if (!kept_.empty() && kept_.back().get() == object && kept_.back().use_count() <= 2) {
    kept_.pop_back();
  }
}

}  // namespace handmill::chat::jinja
