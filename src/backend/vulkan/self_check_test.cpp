// The check of a device passes a right one, and tells what a wrong one does.
#include <filesystem>
#include <gtest/gtest.h>

#include "backend/cpu/cpu.h"
#include "backend/split/late_device.h"
#include "backend/vulkan/test_device.h"

namespace handmill::backend {
namespace {

/// A device whose sums are a little too large for some batches.
class WrongDevice final : public test::LateDevice {
 public:
  WrongDevice(int from, int to)
      : LateDevice(std::move(*make_cpu_backend(1)), std::make_shared<Counts>()),
        from_(from),
        to_(to) {}
  void linear_add(const Activations& in, int n, const Matrix& weight, const Array* bias,
                  Array& x) override {
    LateDevice::linear_add(in, n, weight, bias, x);
    if (from_ <= n && n < to_) LateDevice::linear_add(in, 1, weight, bias, x);
  }

 private:
  int from_, to_;
};

TEST(SelfCheck, TellsARightDeviceFromAWrongOne) {
  const auto cpu = std::move(*make_cpu_backend(2));
  WrongDevice right(1000, 1001), wrong(10, 30), uneven(1, 2);
  EXPECT_TRUE(check_vulkan_backend(right, *cpu).ok());
  const Status off = check_vulkan_backend(wrong, *cpu);
  ASSERT_FALSE(off.ok());
  EXPECT_EQ(off.error().code, Code::kUnsupported);
  EXPECT_NE(off.error().message.find("a product of f16 weights is wrong"), std::string::npos)
      << off.error().message;
  const Status batches = check_vulkan_backend(uneven, *cpu);
  ASSERT_FALSE(batches.ok());
  EXPECT_NE(batches.error().message.find("from one batch to another"), std::string::npos)
      << batches.error().message;
}

TEST(SelfCheck, AVulkanDeviceIsCheckedOnce) {
  const auto device = test::vulkan_backend();
  if (device == nullptr) GTEST_SKIP();
  const VulkanDevice facts = (*list_vulkan_devices()).front();
  const std::string folder = testing::TempDir() + "self_check_vulkan";
  std::filesystem::remove_all(folder);
  const Status checked = check_vulkan_backend_once(facts, folder, *device);
  ASSERT_TRUE(checked.ok()) << checked.error().message;
  // What has a mark is not asked for anything.
  WrongDevice wrong(1, 100);
  EXPECT_TRUE(check_vulkan_backend_once(facts, folder, wrong).ok());
  VulkanDevice other = facts;
  other.driver += " of tomorrow";
  EXPECT_FALSE(check_vulkan_backend_once(other, folder, wrong).ok());
  EXPECT_TRUE(check_vulkan_backend_once(other, "", wrong).ok());
}

}  // namespace
}  // namespace handmill::backend
