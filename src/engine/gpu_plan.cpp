// Every way to place a model is tried: layers · 2 · shares are some thousands, each a few sums.
#include "engine/gpu_plan.h"

#include <algorithm>

#include "engine/gpu_text.h"
#include "kv/cache.h"

namespace handmill::engine {
namespace {

constexpr uint64_t kMiB = 1 << 20;
constexpr uint64_t kStaging = 64 * kMiB;  // through which weights go to the device
constexpr uint64_t kReserveMin = 64 * kMiB;
constexpr uint64_t kReserveShare = 32;  // of the budget: drivers take more for large heaps
constexpr int kLongConversation = 8192;

class Search {
 public:
  Search(const GpuNeeds& needs, const GpuRoom& room) : needs_(needs), room_(room) {
    const auto layers = needs.weights.layers.size();
    whole_.assign(layers + 1, 0);
    ffn_.assign(layers + 1, 0);
    for (size_t last = 1; last <= layers; ++last) {
      const model::LayerBytes& layer = needs.weights.layers[layers - last];
      whole_[last] = whole_[last - 1] + layer.whole;
      ffn_[last] = ffn_[last - 1] + layer.ffn;
    }
  }

  int layers() const { return static_cast<int>(whole_.size()) - 1; }
  bool known() const { return room_.figures.cpu_bytes_s > 0 && room_.figures.device_bytes_s > 0; }
  /// An exchange a layer of unknown cost is no plan.
  bool can_share() const { return known() && room_.figures.submit_s > 0; }

  GpuChoice choice(int layers, bool head, size_t cpu_cols) const {
    GpuChoice out{.layers = layers, .head = head, .cpu_cols = cpu_cols};
    if (layers > 0) {
      const auto last = static_cast<size_t>(layers);
      out.bytes = {.weights = whole_[last] + ffn_[last] - shared_bytes(last, cpu_cols),
                   .head = head ? needs_.weights.head : 0,
                   .kv = kv_bytes(layers),
                   .buffers = needs_.buffer_bytes,
                   .draft = needs_.draft_bytes,
                   .staging = kStaging};
    }
    if (!known()) return out;
    out.seconds = write_s(out);
    if (room_.figures.cpu_ops_s > 0 && room_.figures.device_ops_s > 0) out.read_s = read_s(out);
    return out;
  }

  bool fits(const GpuChoice& choice) const {
    return choice.layers == 0 || choice.bytes.total() <= room_for(choice);
  }
  /// What such a choice may take of the device: less than there is, where the processor's part lies
  /// in the same memory.
  uint64_t room_for(const GpuChoice& choice) const {
    if (room_.shared_free_bytes == 0) return room_.bytes();
    const uint64_t cpu = needs_.weights.total() - choice.bytes.weights - choice.bytes.head +
                         kv_bytes(layers() - choice.layers) + needs_.buffer_bytes;
    const uint64_t free = room_.shared_free_bytes;
    return std::min(room_.bytes(), free - std::min(free, cpu));
  }

  /// The best of `from` to `to` layers on the device that fits, whole or shared out; none may.
  std::optional<GpuChoice> best(int from, int to, std::optional<bool> head, bool shared) const {
    std::optional<GpuChoice> best;
    for (int layers = to; layers >= std::max(from, 1); --layers)
      for (const bool there : {true, false}) {
        if (head && *head != there) continue;
        for (size_t device = shared ? backend::kShareCols : needs_.ffn_width;
             device <= needs_.ffn_width; device += backend::kShareCols) {
          if (shared == (device == needs_.ffn_width)) continue;
          const GpuChoice next = choice(layers, there, needs_.ffn_width - device);
          if (!fits(next)) continue;
          if (!best || next.score() < best->score()) best = next;
        }
      }
    return best;
  }

 private:
  uint64_t shared_bytes(size_t last, size_t cpu_cols) const {
    if (cpu_cols == 0) return 0;
    const double share = static_cast<double>(cpu_cols) / static_cast<double>(needs_.ffn_width);
    return static_cast<uint64_t>(share * static_cast<double>(ffn_[last]));
  }

  uint64_t kv_bytes(int layers) const {
    return static_cast<uint64_t>(layers) * needs_.kv_block_bytes *
           static_cast<uint64_t>(kv::blocks_for(needs_.context));
  }

  /// What `numbers` take on their way to the other side.
  double crossing(size_t numbers) const {
    const double rate = room_.figures.transfer_bytes_s;
    return rate > 0 ? static_cast<double>(numbers * sizeof(float)) / rate : 0;
  }

  /// The layers, at `cpu` and `device` seconds a byte of their weights.
  double layers_s(const GpuChoice& choice, double cpu, double device) const {
    const auto last = static_cast<size_t>(choice.layers);
    const auto bytes = [](uint64_t n) { return static_cast<double>(n); };
    const double ours = bytes(whole_.back() - whole_[last] + ffn_.back() - ffn_[last]);
    const double share = bytes(choice.cpu_cols) / bytes(needs_.ffn_width), ffn = bytes(ffn_[last]);
    return ours * cpu + bytes(whole_[last]) * device +
           std::max((1 - share) * ffn * device, share * ffn * cpu);
  }

  double write_s(const GpuChoice& choice) const {
    const GpuFigures& figures = room_.figures;
    const auto head = static_cast<double>(needs_.weights.head);
    const double seconds = layers_s(choice, 1 / figures.cpu_bytes_s, 1 / figures.device_bytes_s) +
                           head / (choice.head ? figures.device_bytes_s : figures.cpu_bytes_s);
    if (choice.layers == 0) return seconds;
    const int exchanges = choice.cpu_cols > 0 ? choice.layers : 0;
    return seconds + exchanges * (figures.submit_s + crossing(2 * needs_.width)) +
           figures.submit_s + crossing(needs_.width + (choice.head ? needs_.vocab : needs_.width));
  }

  /// Submissions are of many rows, and only the last has logits.
  double read_s(const GpuChoice& choice) const {
    const GpuFigures& figures = room_.figures;
    const auto bytes = static_cast<double>(whole_.back() + ffn_.back());
    const double ops = 2 * static_cast<double>(needs_.weights.elements) / bytes;  // on a byte
    const int exchanges = choice.cpu_cols > 0 ? choice.layers : 0;
    return layers_s(choice, ops / figures.cpu_ops_s, ops / figures.device_ops_s) +
           crossing((2 * static_cast<size_t>(exchanges) + (choice.layers > 0 ? 1 : 0)) *
                    needs_.width);
  }

  const GpuNeeds& needs_;
  const GpuRoom& room_;
  std::vector<uint64_t> whole_, ffn_;  // [layers + 1]: of the last so many layers
};

/// The fastest; where that is unknown, what has the most layers on the device.
GpuChoice choose(const GpuPlan& plan, bool cpu_too) {
  GpuChoice chosen = plan.cpu;
  if (plan.whole && (!cpu_too || chosen.seconds == 0 || plan.whole->score() < chosen.score()))
    chosen = *plan.whole;
  if (!plan.shared) return chosen;
  const bool must = !cpu_too && chosen.layers == 0;
  return must || plan.shared->score() < chosen.score() ? *plan.shared : chosen;
}

}  // namespace

uint64_t GpuRoom::reserve() const {
  return std::min(budget_bytes, std::max(kReserveMin, budget_bytes / kReserveShare));
}

uint64_t GpuRoom::bytes() const {
  const uint64_t most = budget_bytes - reserve();
  return limit_bytes > 0 ? std::min(limit_bytes, most) : most;
}

bool GpuPlan::is_slower() const {
  return chosen.layers > 0 && cpu.seconds > 0 && chosen.score() >= cpu.score();
}

bool GpuPlan::is_whole() const {
  return chosen.layers == all_layers && chosen.head && chosen.cpu_cols == 0;
}

uint64_t GpuPlan::next_smaller() const {
  const GpuBytes& bytes = chosen.bytes;
  const uint64_t movable = bytes.weights + bytes.head + bytes.kv;
  return bytes.total() - std::max<uint64_t>(movable / 8, 1);
}

Result<GpuPlan> plan_gpu(const GpuNeeds& needs, const GpuRoom& room, const GpuWish& wish) {
  const Search search(needs, room);
  GpuPlan plan;
  plan.device = room.device;
  plan.all_layers = search.layers();
  plan.ffn_width = needs.ffn_width;
  plan.room = room.bytes();
  plan.reserve = room.reserve();
  plan.cpu = search.choice(0, false, 0);
  const bool fixed = wish.layers >= 0;
  const int to = fixed ? std::min(wish.layers, search.layers()) : search.layers();
  const int from = fixed && !wish.at_most ? to : 1;
  std::optional<bool> head;
  if (fixed && (wish.layers <= search.layers() || !wish.at_most))
    head = wish.layers > search.layers();
  plan.whole = search.best(from, to, head, false);
  if (search.can_share()) plan.shared = search.best(from, to, head, true);
  const bool must = fixed && wish.layers > 0 && !wish.at_most;
  if (must && !plan.whole && !plan.shared) {
    const auto fitting = search.best(1, to, {}, false);
    const GpuChoice wanted = search.choice(to, *head, 0);
    return misfit(needs, wanted, room.device, search.room_for(wanted),
                  fitting ? fitting->layers : 0);
  }
  plan.chosen = choose(plan, !must && !wish.use);
  if (!must && plan.is_slower()) {  // a device that is asked for all the same gets what it holds
    GpuRoom unmeasured = room;
    unmeasured.figures = {};
    if (const auto most = Search(needs, unmeasured).best(from, to, head, false))
      plan.chosen = search.choice(most->layers, most->head, 0);
  }
  const GpuChoice& chosen = plan.chosen;
  plan.cpu_weights = needs.weights.total() - chosen.bytes.weights - chosen.bytes.head;
  plan.cpu_kv_block_bytes =
      static_cast<uint64_t>(search.layers() - chosen.layers) * needs.kv_block_bytes;
  plan.reason = reason_of(plan, wish);
  return plan;
}

int gpu_context(const GpuNeeds& needs, const GpuRoom& room, int model_context) {
  const uint64_t whole = needs.weights.total() + needs.buffer_bytes + needs.draft_bytes + kStaging;
  const uint64_t block = needs.kv_block_bytes * needs.weights.layers.size();
  const uint64_t left = room.bytes() - std::min(room.bytes(), whole);
  const uint64_t positions = left / 2 / std::max<uint64_t>(block, 1) * backend::kKvBlock;
  const auto most = static_cast<uint64_t>(model_context);
  return static_cast<int>(std::clamp(positions, std::min<uint64_t>(most, kLongConversation), most));
}

}  // namespace handmill::engine
