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
constexpr int kSplitRows = 4;  // runs this short share a long context among workgroups

uint32_t u32(size_t value) { return static_cast<uint32_t>(value); }
uint64_t address(const Array* array) {
  return array == nullptr ? 0 : static_cast<const DeviceArray*>(array)->memory.address();
}

struct RotatePush {
  uint64_t q, k, v, angles, q_norm, k_norm, k_centre, rows, store;
  uint32_t heads, kv_heads, rope_dims, head_words, scale, eps, flags, pad;
};
struct AttendPush {
  uint64_t q, tasks, tables, store, result;
  uint32_t heads, kv_heads, head_words, window, tiles, centred;
};
struct JoinPush {
  uint64_t joins, partials, result;
  uint32_t heads, dim;
};

/// As attend.comp has it.
struct Task {
  uint32_t row, tokens, position, table, begin, end, slot, chunks;
};

}  // namespace

/// A copy for the device, in whole pages of values: a table that grows keeps its size for a while,
/// and with it everything that is uploaded after it its place.
template <class T>
uint64_t VulkanBackend::upload(const std::vector<T>& values) {
  constexpr size_t kPage = 1024;
  const size_t bytes = values.size() * sizeof(T);
  std::vector<T> padded(values);
  padded.resize((bytes + kPage - 1) / kPage * kPage / sizeof(T));
  return program_->upload(
      {reinterpret_cast<const uint8_t*>(padded.data()), padded.size() * sizeof(T)});
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

void VulkanBackend::fill_plan(Plan& plan, const Attention& attention, const Batch& batch) {
  std::vector<int32_t> rows, tables, joins, firsts;
  std::vector<Task> whole, split;
  for (const auto& table : batch.tables) {
    firsts.push_back(static_cast<int32_t>(tables.size()));
    tables.insert(tables.end(), table.begin(), table.end());
  }
  const auto heads = static_cast<uint32_t>(attention.heads);
  const uint32_t tokens = std::max(1u, kQueries / plan.group);
  uint32_t slots = 0;
  for (int row = 0; row < batch.size();) {
    const auto at = static_cast<size_t>(row);
    const auto sequence = static_cast<size_t>(batch.sequences[at]);
    const int position = batch.positions[at];
    int count = 0;
    for (; row < batch.size() && batch.sequences[static_cast<size_t>(row)] == batch.sequences[at];
         ++row, ++count) {
      const int32_t own = batch.positions[static_cast<size_t>(row)];
      rows.push_back(own);
      rows.push_back(batch.tables[sequence][static_cast<size_t>(own / kKvBlock)]);
    }
    const auto first = [&](int p) {
      return attention.window > 0 ? std::max(0, p - attention.window + 1) / kChunk : 0;
    };
    const auto table = static_cast<uint32_t>(firsts[sequence]);
    const int end = (position + count - 1) / kChunk + 1, chunks = end - first(position);
    if (count <= kSplitRows && chunks > 1) {
      for (int t = 0; t < count; t += static_cast<int>(tokens)) {
        const auto taken = std::min(tokens, static_cast<uint32_t>(count - t));
        for (int chunk = 0; chunk < chunks; ++chunk) {
          const auto begin = static_cast<uint32_t>(first(position) + chunk);
          split.push_back(
              {u32(at) + static_cast<uint32_t>(t), taken, static_cast<uint32_t>(position + t),
               table, begin, begin + 1,
               slots + static_cast<uint32_t>(t * chunks) * heads + static_cast<uint32_t>(chunk),
               static_cast<uint32_t>(chunks)});
        }
      }
      for (int t = 0; t < count; ++t) {
        joins.push_back(static_cast<int32_t>(at) + t);
        joins.push_back(static_cast<int32_t>(slots + static_cast<uint32_t>(t * chunks) * heads));
        joins.push_back(chunks);
      }
      slots += static_cast<uint32_t>(count * chunks) * heads;
      continue;
    }
    for (int t = 0; t < count; t += static_cast<int>(tokens)) {
      const auto taken = std::min(tokens, static_cast<uint32_t>(count - t));
      const int p = position + t, last = p + static_cast<int>(taken) - 1;
      whole.push_back({u32(at) + static_cast<uint32_t>(t), taken, static_cast<uint32_t>(p), table,
                       static_cast<uint32_t>(first(p)), static_cast<uint32_t>(last / kChunk + 1), 0,
                       0});
    }
  }
  plan.whole_tasks = u32(whole.size());
  plan.split_tasks = u32(split.size());
  plan.join_count = u32(joins.size() / 3);
  const size_t bytes = slots * static_cast<size_t>(attention.head_dim + 2) * sizeof(float);
  if (!grow(partials_, bytes) && fault_.ok())
    fault_ = base::limit("{}: no memory for the partial results of attention over {} chunks",
                         device_->facts().name, split.size());
  // An upload that finds no room waits for the device and begins again: then all of them do.
  do {
    plan.age = program_->upload_age();
    plan.rows = upload(rows);
    plan.tables = upload(tables);
    plan.whole = whole.empty() ? 0 : upload(whole);
    plan.split = split.empty() ? 0 : upload(split);
    plan.joins = joins.empty() ? 0 : upload(joins);
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

  const uint64_t attended = scratch_.address();
  const uint32_t tokens = std::max(1u, kQueries / plan.group);
  const uint32_t tiles = (std::max(tokens * plan.group, plan.group) + kQueries - 1) / kQueries;
  auto attend_tasks = [&](uint64_t tasks, uint32_t count, uint64_t result, bool waits) {
    program_->dispatch(
        {"attend", {coded ? 1u : 0u, dim, kQueries, kChunkBlocks}},
        AttendPush{address(&q), tasks, plan.tables, memory, result, heads, kv_heads,
                   u32(kept.head_words), static_cast<uint32_t>(a.window), tiles, centred ? 1u : 0u},
        count, kv_heads * tiles, waits);
  };
  attend_tasks(plan.whole, plan.whole_tasks, attended, true);
  if (plan.split_tasks > 0) {
    attend_tasks(plan.split, plan.split_tasks, partials_.address(), plan.whole_tasks == 0);
    program_->dispatch({"join"}, JoinPush{plan.joins, partials_.address(), attended, heads, dim},
                       plan.join_count, heads);
  }
  finish_rows(attended, 0, 0, n, static_cast<DeviceActivations&>(out));
}

}  // namespace handmill::backend::vulkan
