// Where a model's layers go: how many on a device, and what part of their feed-forward blocks stays
// with the processor. A pure function of sizes and figures that names every byte, so that it can be
// told and tested without a device. The first layers are the processor's and the last the device's,
// which so has the head's input.
//
// Time of a token, with B_c and B_d the bytes a second of both sides, over layers of w bytes that
// are whole and f of feed-forward blocks:
//   the processor's layers   Σ (w + f) / B_c
//   the device's             Σ w / B_d + max((1 − s) · f / B_d, s · f / B_c), s: the processor's
//                            share; and where s > 0 an exchange a layer
//   the head                 on its side; and once what passes between the two.
// A token that is read, among many, takes operations / their rates in place of bytes / B, and no
// head. Where the rates are known the best plan is the one in which a token written takes the
// least with the kReadForOne that are read for it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "backend/split/split.h"
#include "base/result.h"
#include "engine/gpu.h"
#include "model/packed_sizes.h"

namespace handmill::engine {

/// A question, and what it asks about, are longer than the answer.
inline constexpr int kReadForOne = 4;

/// What is to be placed.
struct GpuNeeds {
  model::PackedSizes weights;
  size_t width = 0, ffn_width = 0, vocab = 0;
  int context = 0;                      // positions of the key/value cache
  uint64_t kv_block_bytes = 0;          // of kKvBlock positions in one layer
  uint64_t kv_block_bytes_smaller = 0;  // in a cache of fewer bits; 0: there is none
  uint64_t buffer_bytes = 0;            // activations and logits of a step, on each side
  uint64_t draft_bytes = 0;             // a draft model, with its cache and buffers
};

/// What it is to be placed in.
struct GpuRoom {
  std::string device;
  uint64_t budget_bytes = 0;  // that this process may still take of the device
  uint64_t limit_bytes = 0;   // that the user lets it take; 0: no other limit
  /// Of the processor, where it and the device share their memory; 0: they do not, or unknown.
  uint64_t shared_free_bytes = 0;
  GpuFigures figures = {};

  /// A share of the budget that is left to the driver, and to what else draws on the device.
  uint64_t reserve() const;
  /// What a plan may take of the device.
  uint64_t bytes() const;
};

struct GpuWish {
  int layers = -1;       // as in GpuOptions
  bool at_most = false;  // fewer will do: there was no memory for as many
  bool use = false;      // where anything fits, however slow it is predicted to be
};

/// Every byte that the device is asked for.
struct GpuBytes {
  uint64_t weights = 0, head = 0, kv = 0, buffers = 0, draft = 0, staging = 0;
  uint64_t total() const { return weights + head + kv + buffers + draft + staging; }
};

/// A way to place the model, and what is predicted of it.
struct GpuChoice {
  int layers = 0;       // on the device
  bool head = false;    // there too
  size_t cpu_cols = 0;  // of each of their feed-forward blocks, on the processor
  GpuBytes bytes = {};  // on the device
  double seconds = 0;   // of a token that is written, after none; 0: unknown
  double read_s = 0;    // of one that is read among many; 0: unknown
  double score() const { return seconds + kReadForOne * read_s; }
};

struct GpuPlan {
  GpuChoice chosen;
  /// The best of their kinds, of those that fit: whole layers, and layers that are shared out. The
  /// processor alone always fits.
  GpuChoice cpu;
  std::optional<GpuChoice> whole, shared;
  int all_layers = 0;
  size_t ffn_width = 0;
  uint64_t room = 0, reserve = 0;   // of the device's memory
  uint64_t cpu_weights = 0;         // bytes that stay with the processor
  uint64_t cpu_kv_block_bytes = 0;  // of one block, of the layers that do
  std::string device, reason;

  bool is_whole() const;   // nothing is left to the processor
  bool is_slower() const;  // as is predicted, than the processor alone
  uint64_t device_weights() const { return chosen.bytes.weights + chosen.bytes.head; }
  /// A limit under which the next plan asks the device for less: by an eighth of the model's part,
  /// so that a device that has much less than it says is asked some times only. REQUIRES: something
  /// is on the device.
  uint64_t next_smaller() const;
  backend::Placement placement() const;
  /// "28 of 28 layers and the head on NAME"
  std::string summary() const;
  /// The bytes, the alternatives and the reason, a line each.
  std::string text() const;
};

/// kLimit where so many layers as are wished for do not fit: the message says what would.
Result<GpuPlan> plan_gpu(const GpuNeeds& needs, const GpuRoom& room, const GpuWish& wish);

/// Positions of cache where the user named none: half of what is left of the device beside the
/// whole model, at most the model's own and at least those of a long conversation.
int gpu_context(const GpuNeeds& needs, const GpuRoom& room, int model_context);

}  // namespace handmill::engine
