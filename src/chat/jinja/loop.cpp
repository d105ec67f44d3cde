// The loop variable of a for statement.
#include "chat/jinja/arguments.h"
#include "chat/jinja/ast.h"
#include "chat/jinja/compare.h"
#include "chat/jinja/objects.h"

namespace handmill::chat::jinja {

Result<Maybe> Loop::pull(Interpreter& in) {
  while (!exhausted_ && next_ < items_.size()) {
    HANDMILL_OK(in.spend());
    Value item = items_[next_++];
    if (!stmt_->test || filtered_) return Maybe(item);
    HANDMILL_TRY(bool passes, in.passes(*stmt_, outer_, item));
    if (passes) return Maybe(item);
  }
  return Maybe();
}

Result<Maybe> Loop::advance(Interpreter& in) {
  Maybe item;
  if (peeked_) {
    item = std::move(after_);
    peeked_ = false;
    after_.reset();
  } else {
    HANDMILL_TRY(item, pull(in));
  }
  if (!item) return item;
  ++index0_;
  before_ = std::move(current_);
  current_ = item;
  return item;
}

Status Loop::peek(Interpreter& in) {
  if (peeked_ && after_) return {};
  HANDMILL_TRY(after_, pull(in));
  peeked_ = true;
  return {};
}

Result<Int> Loop::total(Interpreter& in) {
  if (total_) return *total_;
  if (!stmt_->test) {
    total_ = Int{items_.size()};
    return *total_;
  }
  // A filtered loop has to run its test over the rest to know.
  std::vector<Value> rest;
  for (;;) {
    HANDMILL_TRY(Maybe item, pull(in));
    if (!item) break;
    rest.push_back(std::move(*item));
  }
  total_ = Int{rest.size()} + index0_ + 1 + (after_ ? 1 : 0);
  items_ = Items(std::move(rest));
  next_ = 0;
  filtered_ = true;
  return *total_;
}

std::string Loop::repr() const {
  return fmt::format("<LoopContext {}/{}>", index0_ + 1, items_.size());
}

Result<Maybe> Loop::attribute(Interpreter& in, std::string_view name) {
  if (name == "index0") return Maybe(Value(index0_));
  if (name == "index") return Maybe(Value(index0_ + 1));
  if (name == "first") return Maybe(Value(index0_ == 0));
  if (name == "depth0") return Maybe(Value(depth0_));
  if (name == "depth") return Maybe(Value(depth0_ + 1));
  if (name == "length" || name == "revindex" || name == "revindex0") {
    HANDMILL_TRY(Int all, total(in));
    return Maybe(Value(name == "length"     ? all
                       : name == "revindex" ? all - index0_
                                            : all - index0_ - 1));
  }
  if (name == "last" || name == "nextitem") {
    HANDMILL_OK(peek(in));
    if (name == "last") return Maybe(Value(!after_));
    return after_ ? after_ : Maybe(Value::undefined("there is no next item"));
  }
  if (name == "previtem") {
    return before_ && index0_ > 0 ? before_ : Maybe(Value::undefined("there is no previous item"));
  }
  if (name != "cycle" && name != "changed") return Maybe();
  auto self = shared_from_this();
  bool cycles = name == "cycle";
  NativeFunction body = [self, cycles](Interpreter& run, const Arguments& arguments) {
    return cycles ? self->cycle(run, arguments) : self->changed(run, arguments);
  };
  return Maybe(Value(ObjectPtr(std::make_shared<Function>(std::string(name), body, 2))));
}

Result<Value> Loop::cycle(Interpreter&, const Arguments& arguments) {
  if (!arguments.named.empty()) return base::invalid("cycle() takes no keyword arguments");
  if (arguments.positional.empty()) return base::invalid("no items for cycling given");
  return arguments.positional[static_cast<size_t>(index0_ % Int{arguments.positional.size()})];
}

Result<Value> Loop::changed(Interpreter& in, const Arguments& arguments) {
  if (!arguments.named.empty()) return base::invalid("changed() takes no keyword arguments");
  HANDMILL_TRY(Value now, make_sequence(arguments.positional, Sequence::Kind::kTuple));
  if (last_changed_) {
    HANDMILL_TRY(bool same, equal(in, *last_changed_, now));
    if (same) return Value(false);
  }
  last_changed_ = std::move(now);
  return Value(true);
}

Result<Value> Loop::call(Interpreter& in, const Arguments& arguments) {
  HANDMILL_TRY(auto p, bind(arguments, "loop", {"iterable"}, 1));
  if (!stmt_->recursive) {
    return base::invalid("The loop must have the 'recursive' marker to be called recursively.");
  }
  HANDMILL_TRY(Items items, in.iterate(*p[0]));
  HANDMILL_TRY(Marked text, in.render_recursive(*stmt_, outer_, std::move(items), depth0_ + 1));
  return in.text(std::move(text));
}

void Loop::clear() {
  Items items;
  std::swap(items, items_);
  Maybe gone[] = {std::move(before_), std::move(current_), std::move(after_),
                  std::move(last_changed_)};
  before_.reset(), current_.reset(), after_.reset(), last_changed_.reset();
}

}  // namespace handmill::chat::jinja
