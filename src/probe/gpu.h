// The graphics processors that the kernel's drivers tell of in /sys/class/drm, without any
// interface of theirs. All of it is reported, none measured; what is not told is empty or unknown.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace handmill::probe {

struct Gpu {
  std::string card;    // "card0"
  std::string driver;  // "amdgpu", "i915", "nvidia"; empty: unknown
  std::string name;    // where the driver tells one; empty: unknown
  std::optional<uint32_t> vendor_id,
      device_id;  // of PCI: 0x1002 is AMD, 0x8086 Intel, 0x10de NVIDIA
  // Memory of the card's own, and of the system's that the driver maps for it: two pools, which do
  // not add up to one. amdgpu alone tells them.
  std::optional<uint64_t> vram_bytes, vram_used_bytes;
  std::optional<uint64_t> gtt_bytes, gtt_used_bytes;
};

/// "AMD", "Intel", "NVIDIA", or empty.
std::string vendor_name(const Gpu& gpu);

/// By number of the card. `root` stands before /sys ("" for the machine, a folder for a made-up
/// one).
std::vector<Gpu> read_gpus(const std::string& root = "");

/// Whether a program can reach a graphics processor at all: a render node, or the device file of a
/// driver that has none (NVIDIA's in a container, WSL's, Mali's, Adreno's). Opens nothing.
bool may_have_gpu(const std::string& root = "");

}  // namespace handmill::probe
