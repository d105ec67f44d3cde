// Linux Documentation/gpu/amdgpu/driver-misc.rst has the mem_info files.
#include "probe/gpu.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "probe/system_file.h"

namespace handmill::probe {
namespace {

namespace fs = std::filesystem;

/// The number of "card12"; nothing of "card0-HDMI-A-1" and "renderD128".
std::optional<int> card_number(std::string_view name) {
  if (!name.starts_with("card")) return std::nullopt;
  return parse_number<int>(name.substr(4));
}

/// "0x1002"
std::optional<uint32_t> read_id(const std::string& path) {
  const std::string text = read_system_file(path).value_or("");
  std::string_view digits = trim(text);
  if (!digits.starts_with("0x")) return std::nullopt;
  digits.remove_prefix(2);
  uint32_t id = 0;
  const auto [end, fault] = std::from_chars(digits.data(), digits.data() + digits.size(), id, 16);
  if (fault != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return id;
}

/// The line of a uevent file that begins with `key`.
std::string uevent_value(const std::string& text, std::string_view key) {
  for (std::string_view line : split(text, '\n'))
    if (line.starts_with(key)) return std::string(trim(line.substr(key.size())));
  return "";
}

Gpu read_gpu(const std::string& folder, const std::string& card) {
  const std::string device = folder + "/" + card + "/device";
  Gpu gpu;
  gpu.card = card;
  gpu.driver = uevent_value(read_system_file(device + "/uevent").value_or(""), "DRIVER=");
  gpu.name = trim(read_system_file(device + "/product_name").value_or(""));
  gpu.vendor_id = read_id(device + "/vendor");
  gpu.device_id = read_id(device + "/device");
  gpu.vram_bytes = read_number<uint64_t>(device + "/mem_info_vram_total");
  gpu.vram_used_bytes = read_number<uint64_t>(device + "/mem_info_vram_used");
  gpu.gtt_bytes = read_number<uint64_t>(device + "/mem_info_gtt_total");
  gpu.gtt_used_bytes = read_number<uint64_t>(device + "/mem_info_gtt_used");
  return gpu;
}

}  // namespace

std::string vendor_name(const Gpu& gpu) {
  if (!gpu.vendor_id) return "";
  switch (*gpu.vendor_id) {
    case 0x1002: return "AMD";
    case 0x8086: return "Intel";
    case 0x10de: return "NVIDIA";
    default: return "";
  }
}

bool may_have_gpu(const std::string& root) {
  std::error_code error;
  for (const char* file : {"nvidiactl", "dxg", "mali0", "kgsl-3d0"})
    if (fs::exists(root + "/dev/" + file, error)) return true;
  for (fs::directory_iterator at(root + "/dev/dri", error), end; !error && at != end;
       at.increment(error))
    if (at->path().filename().string().starts_with("renderD")) return true;
  return false;
}

std::vector<Gpu> read_gpus(const std::string& root) {
  const std::string folder = root + "/sys/class/drm";
  std::vector<std::pair<int, std::string>> cards;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (const auto number = card_number(name)) cards.emplace_back(*number, name);
  }
  std::ranges::sort(cards);
  std::vector<Gpu> gpus;
  for (const auto& [number, card] : cards) gpus.push_back(read_gpu(folder, card));
  return gpus;
}

}  // namespace handmill::probe
