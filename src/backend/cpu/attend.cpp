// Attention of the CPU backend, in two passes over the batch: norm, rotate and store; attend.
// Whoever ends the last task of some tokens joins them and prepares them for the next product. Keys
// are reduced in tiles of a block inside chunks of kChunkBlocks blocks, and chunks are joined in
// ascending order, by whichever task: so a query's bits do not depend on how the work was shared.
#include <algorithm>
#include <cstring>
#include <limits>

#include "backend/cpu/cpu_backend.h"

namespace handmill::backend {
namespace {

constexpr int kChunkBlocks = 8;  // 512 keys
constexpr int kTileRows =
    64;  // queries of a task: their state and a block of keys stay in the second-level cache
constexpr int kSplitRows =
    4;  // runs this short share a long context among threads by chunks of keys
constexpr int kSpareChunks = 64;  // begun ones of as many sequences

/// Rotates one head in place; `angles` are pairs (cos, sin).
void rotate(float* x, int dims, bool neighbours, const float* angles) {
  const int half = dims / 2;
  for (int i = 0; i < half; ++i) {
    float& a = neighbours ? x[2 * i] : x[i];
    float& b = neighbours ? x[2 * i + 1] : x[i + half];
    const float c = angles[2 * i], s = angles[2 * i + 1], a0 = a;
    a = a0 * c - b * s;
    b = a0 * s + b * c;
  }
}

/// Multiplies each run of `dims` values by a Hadamard matrix, in place. Applied to q and k it
/// leaves q · k as it was (times `dims`), and spreads the few large dimensions that some models'
/// keys have over all, where one scale serves them better (arXiv 2404.00456).
void spread(float* x, size_t count, size_t dims) {
  for (size_t half = 1; half < dims; half *= 2)
    for (size_t i = 0; i < count; i += 2 * half)
      for (size_t j = i; j < i + half; ++j) {
        const float a = x[j], b = x[j + half];
        x[j] = a + b;
        x[j + half] = a - b;
      }
}

}  // namespace

void CpuBackend::find_runs(const AttendJob& job) {
  runs_.clear();
  const Batch& batch = job.batch;
  const int window = job.attention.window;
  size_t partials = 0;
  for (int row = 0; row < batch.size();) {
    Run run{};
    run.first_row = row;
    run.first_position = batch.positions[static_cast<size_t>(row)];
    const int32_t sequence = batch.sequences[static_cast<size_t>(row)];
    run.table = batch.tables[static_cast<size_t>(sequence)];
    while (row < batch.size() && batch.sequences[static_cast<size_t>(row)] == sequence) ++row;
    run.rows = row - run.first_row;
    constexpr int kChunk = kChunkBlocks * kKvBlock;
    const int lowest = window > 0 ? std::max(0, run.first_position - window + 1) : 0;
    run.first_chunk = lowest / kChunk;
    run.chunks = (run.first_position + run.rows - 1) / kChunk - run.first_chunk + 1;
    run.split = run.rows <= kSplitRows && run.chunks > 1;
    run.partials = partials;
    if (run.split) partials += static_cast<size_t>(run.chunks) * chunk_floats(job, run.rows);
    runs_.push_back(run);
  }
  grow_partials(job, partials);
}

/// Partial results of all heads over one chunk of keys, for `rows` tokens.
size_t CpuBackend::chunk_floats(const AttendJob& job, int rows) {
  return static_cast<size_t>(rows) * static_cast<size_t>(job.attention.heads) *
         static_cast<size_t>(job.attention.head_dim + 2);
}

/// Room for as many chunks as the store can hold, so that a context that grows allocates nothing;
/// more only where many sequences share their blocks. Untouched room costs no memory.
void CpuBackend::grow_partials(const AttendJob& job, size_t floats) {
  const auto chunks = static_cast<size_t>(job.store.blocks() / kChunkBlocks + kSpareChunks);
  const size_t wanted = std::max(floats, chunks * chunk_floats(job, kSplitRows));
  if (partials_size_ >= wanted) return;
  partials_size_ = std::max(wanted, 2 * partials_size_);
  partials_ = std::make_unique_for_overwrite<float[]>(partials_size_);
}

/// Room for tasks of `tokens` tokens.
void CpuBackend::grow_attention(const AttendJob& job, int tokens) {
  const auto rows = static_cast<size_t>(tokens * job.group());
  const auto dim = static_cast<size_t>(job.attention.head_dim);
  grow_floats(2 * rows * (dim + 2));
  for (auto& own : scratch_) {
    auto grow = [](auto& values, size_t size) {
      if (values.size() < size) values.resize(size);
    };
    grow(own.queries, rows * dim + kTileQueries * kKvBlock);
    grow(own.ranges, 2 * rows);
    grow(own.codes, rows * dim);
    grow(own.code_floats, 2 * rows * (dim / 32));
    grow(own.code_sums, 2 * rows * (dim / 32));
  }
}

void CpuBackend::rotate_and_store(const AttendJob& job, size_t row) {
  const Attention& a = job.attention;
  const float* angles = job.angles.row(row);
  const auto dim = static_cast<size_t>(a.head_dim);
  auto prepare = [&](float* head, const Array* weight) {
    if (weight != nullptr)
      kernels_.rms_norm(head, static_cast<const CpuArray*>(weight)->row(0), a.eps, dim, head);
    rotate(head, a.rope_dims, a.neighbours, angles);
  };
  const bool coded = job.store.shape.type == KvType::kQ8_0;
  const size_t spread_dims = dim & -dim;  // the largest power of two in it
  const float scale = coded ? a.scale / static_cast<float>(spread_dims) : a.scale;
  for (size_t h = 0; h < static_cast<size_t>(a.heads); ++h) {
    float* q = job.q.row(row) + h * dim;
    prepare(q, a.q_norm);
    if (coded) spread(q, dim, spread_dims);
    for (size_t d = 0; d < dim; ++d) q[d] *= scale;
  }
  const int32_t position = job.batch.positions[row];
  const int32_t block = job.batch.tables[static_cast<size_t>(job.batch.sequences[row])]
                                        [static_cast<size_t>(position / kKvBlock)];
  const auto* centres = coded ? static_cast<const CpuArray*>(a.k_centre) : nullptr;
  const auto place = static_cast<size_t>(position % kKvBlock);
  for (int h = 0; h < a.kv_heads; ++h) {
    const size_t at = static_cast<size_t>(h) * dim;
    float* k = job.k.row(row) + at;
    uint8_t* kept = job.store.at(job.layer, block, h);
    if (centres != nullptr) {
      const float* centre = centres->row(place) + at;
      for (size_t d = 0; d < dim; ++d) k[d] -= centre[d];
      if (place == 0) {
        float* turned = kv_centre(kept, a.head_dim);
        std::copy_n(centre, dim, turned);
        rotate(turned, a.rope_dims, a.neighbours, angles);
        spread(turned, dim, spread_dims);
      }
    }
    prepare(k, a.k_norm);
    if (coded) spread(k, dim, spread_dims);
    kernels_.store_kv(kept, job.store.shape.type, a.head_dim, position % kKvBlock, k,
                      job.v.row(row) + at);
  }
}

/// Blocks [begin, end) of keys against tokens [first, first + count) of a run, for the queries of
/// one kv head; `after` is the block that will be wanted then, or −1. Row t · group + g of the
/// state is query head g of token t. The scratch beyond the state holds the queries.
void CpuBackend::attend_blocks(const AttendJob& job, const Run& run, int head, int first, int count,
                               int begin, int end, int after, State state, int worker) {
  const Attention& a = job.attention;
  const int group = job.group(), rows = count * group;
  const auto dim = static_cast<size_t>(a.head_dim), n = static_cast<size_t>(rows);
  auto& own = scratch_[static_cast<size_t>(worker)];
  const size_t groups = dim / 32;
  float* queries = own.queries.data() + kTileQueries * kKvBlock;
  for (int t = 0; t < count; ++t)
    std::memcpy(queries + static_cast<size_t>(t * group) * dim,
                job.q.row(static_cast<size_t>(run.first_row + first + t)) +
                    static_cast<size_t>(head * group) * dim,
                static_cast<size_t>(group) * dim * sizeof(float));
  CodeRows codes{};
  if (job.store.shape.type == KvType::kQ8_0) {
    codes = {own.codes.data(), own.code_floats.data(), own.code_floats.data() + n * groups,
             own.code_sums.data(), dim};
    for (size_t r = 0; r < n; ++r) kernels_.quantize(queries + r * dim, dim, codes.at(r));
  }
  int* from = own.ranges.data();
  int* to = from + n;
  for (int block = begin; block < end; ++block) {
    for (int r = 0; r < rows; ++r) {
      const int position = run.first_position + first + r / group;
      const int lowest = a.window > 0 ? std::max(0, position - a.window + 1) : 0;
      from[r] = std::clamp(lowest - block * kKvBlock, 0, kKvBlock);
      to[r] = std::clamp(position + 1 - block * kKvBlock, 0, kKvBlock);
    }
    const bool centred = a.k_centre != nullptr && job.store.shape.type == KvType::kQ8_0;
    auto at = [&](int b) -> const uint8_t* {
      return b < 0 ? nullptr : job.store.at(job.layer, run.table[static_cast<size_t>(b)], head);
    };
    kernels_.attend({at(block), at(block + 1 < end ? block + 1 : after), job.store.shape.type,
                     a.head_dim, centred, rows, queries, codes, from, to, state.maximum, state.sum,
                     state.values, own.queries.data()});
  }
}

namespace {

void clear(float* maximum, float* sum, float* values, size_t rows, size_t dim) {
  std::fill_n(maximum, rows, -std::numeric_limits<float>::infinity());
  std::fill_n(sum, rows, 0.0f);
  std::fill_n(values, rows * dim, 0.0f);
}

bool is_empty(float maximum) { return maximum == -std::numeric_limits<float>::infinity(); }

void divide(const float* values, float sum, size_t dim, float* out) {
  for (size_t d = 0; d < dim; ++d) out[d] = values[d] / sum;
}

/// Blocks of a chunk that a run has: [begin, end).
std::pair<int, int> blocks_of(int chunk, int last_position) {
  return {chunk * kChunkBlocks, std::min((chunk + 1) * kChunkBlocks, last_position / kKvBlock + 1)};
}

}  // namespace

void CpuBackend::attend_whole(const AttendJob& job, const Run& run, int head, int first, int count,
                              int worker) {
  const Attention& a = job.attention;
  const int group = job.group();
  const auto rows = static_cast<size_t>(count * group), dim = static_cast<size_t>(a.head_dim);
  float* memory = floats(worker);
  const State all{memory, memory + rows, memory + 2 * rows};
  memory += rows * (dim + 2);
  const State chunk_state{memory, memory + rows, memory + 2 * rows};
  clear(all.maximum, all.sum, all.values, rows, dim);
  const int last = run.first_position + first + count - 1;
  const int lowest = a.window > 0 ? std::max(0, run.first_position + first - a.window + 1) : 0;
  const int first_chunk = lowest / (kChunkBlocks * kKvBlock);
  for (int chunk = first_chunk; chunk <= last / (kChunkBlocks * kKvBlock); ++chunk) {
    const auto [begin, end] = blocks_of(chunk, last);
    const bool only = chunk == first_chunk;
    const State& state = only ? all : chunk_state;
    if (!only) clear(state.maximum, state.sum, state.values, rows, dim);
    const int after = end <= last / kKvBlock ? end : -1;
    attend_blocks(job, run, head, first, count, begin, end, after, state, worker);
    for (size_t r = 0; !only && r < rows; ++r) {
      float* values = all.values + r * dim;
      const float* later = state.values + r * dim;
      if (is_empty(state.maximum[r])) continue;
      if (is_empty(all.maximum[r])) {
        all.maximum[r] = state.maximum[r];
        all.sum[r] = state.sum[r];
        std::memcpy(values, later, dim * sizeof(float));
      } else {
        kernels_.merge(all.maximum + r, all.sum + r, values, state.maximum[r], state.sum[r], later,
                       a.head_dim);
      }
    }
  }
  for (size_t r = 0; r < rows; ++r) {
    const size_t row = static_cast<size_t>(run.first_row + first) + r / static_cast<size_t>(group);
    const size_t query_head = static_cast<size_t>(head * group) + r % static_cast<size_t>(group);
    divide(all.values + r * dim, all.sum[r], dim,
           attended_.data() + (row * static_cast<size_t>(a.heads) + query_head) * dim);
  }
}

/// Partials of a run: [kv head][chunk][rows · group], each maximum, sum, then values.
void CpuBackend::attend_chunk(const AttendJob& job, const Run& run, int head, int chunk,
                              int worker) {
  const auto rows = static_cast<size_t>(run.rows * job.group()),
             dim = static_cast<size_t>(job.attention.head_dim);
  float* memory = partials_.get() + run.partials +
                  static_cast<size_t>(head * run.chunks + chunk) * rows * (dim + 2);
  const State state{memory, memory + rows, memory + 2 * rows};
  clear(state.maximum, state.sum, state.values, rows, dim);
  const auto [begin, end] = blocks_of(run.first_chunk + chunk, run.first_position + run.rows - 1);
  const int after = chunk > 0 ? begin - kChunkBlocks : -1;  // a worker takes them downwards
  attend_blocks(job, run, head, 0, run.rows, begin, end, after, state, worker);
}

void CpuBackend::join_chunks(const AttendJob& job, const Run& run, int row) {
  const Attention& a = job.attention;
  const int group = job.group();
  const auto rows = static_cast<size_t>(run.rows * group), dim = static_cast<size_t>(a.head_dim);
  for (int h = 0; h < a.heads; ++h) {
    const auto r = static_cast<size_t>(row * group + h % group);
    float* first = partials_.get() + run.partials +
                   static_cast<size_t>(h / group * run.chunks) * rows * (dim + 2);
    float *maximum = first + r, *sum = first + rows + r, *values = first + 2 * rows + r * dim;
    for (int chunk = 1; chunk < run.chunks; ++chunk) {
      float* later = first + static_cast<size_t>(chunk) * rows * (dim + 2);
      float* later_values = later + 2 * rows + r * dim;
      if (is_empty(later[r])) continue;
      if (is_empty(*maximum)) {
        maximum = later + r, sum = later + rows + r, values = later_values;
      } else {
        kernels_.merge(maximum, sum, values, later[r], later[rows + r], later_values, a.head_dim);
      }
    }
    const auto at = static_cast<size_t>(run.first_row + row) * static_cast<size_t>(a.heads) +
                    static_cast<size_t>(h);
    divide(values, *sum, dim, attended_.data() + at * dim);
  }
}

void CpuBackend::attend(const Attention& attention, const Batch& batch, const Array& angles,
                        Array& q, Array& k, const Array& v, KvStore& store, int layer,
                        Activations& out) {
  const AttendJob job{attention,
                      batch,
                      static_cast<const CpuArray&>(angles),
                      static_cast<CpuArray&>(q),
                      static_cast<CpuArray&>(k),
                      static_cast<const CpuArray&>(v),
                      static_cast<CpuKvStore&>(store),
                      layer};
  const auto n = static_cast<size_t>(batch.size());
  const size_t width =
      static_cast<size_t>(attention.heads) * static_cast<size_t>(attention.head_dim);
  if (attended_.size() < n * width) attended_.resize(n * width);
  find_runs(job);
  run_rows(n, width, [&](size_t row, int) { rotate_and_store(job, row); });

  const int tokens = std::max(1, kTileRows / job.group());
  grow_attention(job, std::max(tokens, kSplitRows));
  const size_t tasks = plan_parts(job, tokens);
  auto& to = static_cast<CpuActivations&>(out);
  threads_.run(tasks, [&](size_t task, int worker) {
    const Run* run = runs_.data();
    for (size_t own; task >= (own = static_cast<size_t>(run->parts * attention.kv_heads)); ++run)
      task -= own;
    const int head = static_cast<int>(task) / run->parts;
    const int part = run->parts - 1 - static_cast<int>(task) % run->parts;  // the longest first
    const int first = run->split ? 0 : part * tokens;
    const int count = run->split ? run->rows : std::min(tokens, run->rows - first);
    if (run->split)
      attend_chunk(job, *run, head, part, worker);
    else
      attend_whole(job, *run, head, first, count, worker);
    auto& unfinished = unfinished_[static_cast<size_t>(run->first_row + first)];
    if (unfinished.fetch_sub(1, std::memory_order_acq_rel) > 1) return;
    for (int t = first; t < first + count; ++t) {
      const auto row = static_cast<size_t>(run->first_row + t);
      if (run->split) join_chunks(job, *run, t);
      finish_row(to, row, attended_.data() + row * width);
    }
  });
}

/// Cuts every run into the parts that are tasks (times the heads), of chunks or of `tokens` tokens.
/// The first row of tokens that are finished together counts their tasks.
size_t CpuBackend::plan_parts(const AttendJob& job, int tokens) {
  const auto n = static_cast<size_t>(job.batch.size());
  if (unfinished_size_ < n) {
    unfinished_ = std::make_unique<std::atomic<int>[]>(n);
    unfinished_size_ = n;
  }
  size_t tasks = 0;
  for (Run& run : runs_) {
    run.parts = run.split ? run.chunks : (run.rows + tokens - 1) / tokens;
    const int each = job.attention.kv_heads * (run.split ? run.chunks : 1);
    for (int row = 0; row < run.rows; row += run.split ? run.rows : tokens)
      unfinished_[static_cast<size_t>(run.first_row + row)].store(each, std::memory_order_relaxed);
    tasks += static_cast<size_t>(run.parts * job.attention.kv_heads);
  }
  return tasks;
}

}  // namespace handmill::backend
