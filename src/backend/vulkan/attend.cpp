// Attention of the Vulkan backend: norm, rotate and store; attend; join what several workgroups
// reduced; prepare for the next product. Which workgroup takes which keys is planned once a batch.
#include <algorithm>
#include <bit>

#include "backend/vulkan/vulkan_backend.h"
#include "base/error.h"

namespace handmill::backend::vulkan {
namespace {

constexpr uint32_t kQueries = 8;  // of a workgroup
constexpr int kChunkBlocks = 4;   // 256 keys
constexpr int kChunk = kChunkBlocks * kKvBlock;
constexpr size_t kManyRows = 64;  // from here on a layer is a submission of its own
constexpr int kSplitRows = 4;     // runs this short share a long context among workgroups

struct RotatePush {
  uint64_t q, k, v, angles, q_norm, k_norm, k_centre, rows, store;
  uint32_t heads, kv_heads, rope_dims, head_words, scale, eps, flags, pad;
};
struct AttendPush {
  uint64_t q, tasks, tables, store, result;
  InputAddresses to;
  uint32_t heads, kv_heads, head_words, window, tiles, centred, padded, flags;
};
struct JoinPush {
  uint64_t joins, partials, result;
  InputAddresses to;
  uint32_t heads, dim, padded, flags;
};

/// Tokens that a workgroup takes of query heads in groups of `group`.
uint32_t tokens_at_once(uint32_t group) { return std::max(1u, kQueries / group); }

}  // namespace

/// A copy for the device, in whole pages of values: a table that grows keeps its size for a while,
/// and with it everything that is uploaded after it its place.
template <class T>
uint64_t VulkanBackend::upload(std::vector<T>& values) {
  constexpr size_t kPage = 1024 / sizeof(T);
  values.resize((values.size() + kPage - 1) / kPage * kPage);
  return program_->upload(
      {reinterpret_cast<const uint8_t*>(values.data()), values.size() * sizeof(T)});
}

const VulkanBackend::Plan& VulkanBackend::plan(const Attention& attention, const Batch& batch) {
  batch_.clear();
  batch_.push_back(batch.size());
  batch_.insert(batch_.end(), batch.positions.begin(), batch.positions.end());
  batch_.insert(batch_.end(), batch.sequences.begin(), batch.sequences.end());
  for (const auto& table : batch.tables) {
    batch_.push_back(static_cast<int32_t>(table.size()));
    batch_.insert(batch_.end(), table.begin(), table.end());
  }
  const auto group = static_cast<uint32_t>(attention.heads / attention.kv_heads);
  for (Plan& plan : plans_)
    if (plan.age == program_->upload_age() && plan.window == attention.window &&
        plan.group == group && plan.batch == batch_)
      return plan;
  Plan& plan = plans_[attention.window == 0 ? 0 : 1];
  plan.batch.swap(batch_);
  plan.window = attention.window;
  plan.group = group;
  fill_plan(plan, attention, batch);
  return plan;
}

/// The tasks of `count` tokens of one sequence, the first at row `row` and `position`, whose blocks
/// are at `table` of all tables. Few tokens that see much are shared by chunks of keys.
void VulkanBackend::add_tasks(const Attention& attention, uint32_t row, int position, int count,
                              uint32_t table) {
  const auto heads = static_cast<uint32_t>(attention.heads);
  const uint32_t group = heads / static_cast<uint32_t>(attention.kv_heads);
  const uint32_t tokens = tokens_at_once(group);
  const auto first = [&](int p) {
    return attention.window > 0 ? std::max(0, p - attention.window + 1) / kChunk : 0;
  };
  const int begin = first(position), chunks = (position + count - 1) / kChunk + 1 - begin;
  const bool split = count <= kSplitRows && chunks > 1;
  auto& lists = lists_;
  for (int t = 0; t < count; t += static_cast<int>(tokens)) {
    const auto taken = std::min(tokens, static_cast<uint32_t>(count - t));
    const auto at = static_cast<uint32_t>(t), p = static_cast<uint32_t>(position + t);
    AttendTask task{.row = row + at, .tokens = taken, .position = p, .table = table};
    if (!split) {
      task.begin = static_cast<uint32_t>(first(position + t));
      task.end = (p + taken - 1) / kChunk + 1;
      lists.whole.push_back(task);
      continue;
    }
    task.chunks = static_cast<uint32_t>(chunks);
    for (uint32_t chunk = 0; chunk < task.chunks; ++chunk) {
      task.begin = static_cast<uint32_t>(begin) + chunk;
      task.end = task.begin + 1;
      task.slot = lists.slots + at * task.chunks * heads + chunk;
      lists.split.push_back(task);
    }
  }
  for (int t = 0; split && t < count; ++t) {
    lists.joins.insert(lists.joins.end(),
                       {static_cast<int32_t>(row) + t, static_cast<int32_t>(lists.slots), chunks});
    lists.slots += static_cast<uint32_t>(chunks) * heads;
  }
}

void VulkanBackend::fill_plan(Plan& plan, const Attention& attention, const Batch& batch) {
  auto& lists = lists_;
  for (auto* list : {&lists.rows, &lists.tables, &lists.joins}) list->clear();
  lists.whole.clear();
  lists.split.clear();
  lists.slots = 0;
  for (int row = 0; row < batch.size();) {
    const int first = row, position = batch.positions[static_cast<size_t>(row)];
    const int32_t sequence = batch.sequences[static_cast<size_t>(row)];
    const std::span<const int32_t> blocks = batch.tables[static_cast<size_t>(sequence)];
    const uint32_t table = u32(lists.tables.size());
    lists.tables.insert(lists.tables.end(), blocks.begin(), blocks.end());
    for (; row < batch.size() && batch.sequences[static_cast<size_t>(row)] == sequence; ++row) {
      const int32_t own = batch.positions[static_cast<size_t>(row)];
      lists.rows.push_back(own);
      lists.rows.push_back(blocks[static_cast<size_t>(own / kKvBlock)]);
    }
    add_tasks(attention, static_cast<uint32_t>(first), position, row - first, table);
  }
  plan.whole_tasks = u32(lists.whole.size());
  plan.split_tasks = u32(lists.split.size());
  plan.join_count = u32(lists.joins.size() / 3);
  const size_t bytes = lists.slots * static_cast<size_t>(attention.head_dim + 2) * sizeof(float);
  if (!grow(partials_, bytes) && fault_.ok())
    fault_ = base::limit("{}: no memory for the partial results of attention over {} chunks",
                         device_->facts().name, lists.split.size());
  // An upload that finds no room waits for the device and begins again: then all of them do.
  do {
    plan.age = program_->upload_age();
    plan.rows = upload(lists.rows);
    plan.tables = upload(lists.tables);
    plan.whole = upload(lists.whole);
    plan.split = upload(lists.split);
    plan.joins = upload(lists.joins);
  } while (plan.age != program_->upload_age());
}

void VulkanBackend::attend(const Attention& a, const Batch& batch, const Array& angles, Array& q,
                           Array& k, const Array& v, KvStore& store, int layer, Activations& out) {
  auto& kept = static_cast<DeviceKvStore&>(store);
  const bool coded = kept.shape.type == KvType::kQ8_0;
  const auto dim = static_cast<uint32_t>(a.head_dim), heads = static_cast<uint32_t>(a.heads),
             kv_heads = static_cast<uint32_t>(a.kv_heads);
  const Plan& plan = this->plan(a, batch);
  const auto n = static_cast<size_t>(batch.size());
  const uint64_t memory = kept.layers[static_cast<size_t>(layer)].address();
  const bool centred = coded && a.k_centre != nullptr;
  const float scale = coded ? a.scale / static_cast<float>(dim & -dim) : a.scale;
  program_->dispatch(
      {"rotate_store", {coded ? 1u : 0u, dim}},
      RotatePush{.q = address(&q),
                 .k = address(&k),
                 .v = address(&v),
                 .angles = address(&angles),
                 .q_norm = address(a.q_norm),
                 .k_norm = address(a.k_norm),
                 .k_centre = address(a.k_centre),
                 .rows = plan.rows,
                 .store = memory,
                 .heads = heads,
                 .kv_heads = kv_heads,
                 .rope_dims = static_cast<uint32_t>(a.rope_dims),
                 .head_words = u32(kept.head_words),
                 .scale = std::bit_cast<uint32_t>(scale),
                 .eps = std::bit_cast<uint32_t>(a.eps),
                 .flags = (a.neighbours ? 1u : 0u) | (a.q_norm != nullptr ? 2u : 0u) |
                          (a.k_norm != nullptr ? 4u : 0u) | (centred ? 8u : 0u),
                 .pad = 0},
      u32(n), heads + kv_heads);

  auto& to = static_cast<DeviceActivations&>(out);
  const uint64_t attended = scratch_.address();
  const uint32_t tiles = (tokens_at_once(plan.group) * plan.group + kQueries - 1) / kQueries;
  auto attend_tasks = [&](uint64_t tasks, uint32_t count, uint64_t result, bool waits) {
    program_->dispatch({"attend", {coded ? 1u : 0u, dim, kQueries, kChunkBlocks}},
                       AttendPush{address(&q), tasks, plan.tables, memory, result, to.at, heads,
                                  kv_heads, u32(kept.head_words), static_cast<uint32_t>(a.window),
                                  tiles, centred ? 1u : 0u, u32(to.padded), to.flags()},
                       count, kv_heads * tiles, waits);
  };
  attend_tasks(plan.whole, plan.whole_tasks, attended, true);
  if (plan.split_tasks > 0) {
    attend_tasks(plan.split, plan.split_tasks, partials_.address(), plan.whole_tasks == 0);
    program_->dispatch({"join"},
                       JoinPush{plan.joins, partials_.address(), attended, to.at, heads, dim,
                                u32(to.padded), to.flags()},
                       plan.join_count, heads);
  }
  // Groups of 32 that lie in one head are finished where the head is.
  if (dim % kGroupCols != 0) finish_rows(attended, 0, 0, n, to);
  // A driver takes a submission of many seconds for a hung device; and it can begin meanwhile.
  if (n >= kManyRows) program_->start();
}

}  // namespace handmill::backend::vulkan
