// Which device a name asks for, of lists that are made up.
#include <gtest/gtest.h>

#include "backend/vulkan/vulkan.h"

namespace handmill::backend {
namespace {

using Kind = VulkanDevice::Kind;

VulkanDevice made_up(int index, std::string name, Kind kind, std::string missing = "") {
  VulkanDevice device;
  device.index = index;
  device.name = std::move(name);
  device.kind = kind;
  device.missing = std::move(missing);
  return device;
}

const std::vector<VulkanDevice> kMany = {
    made_up(0, "llvmpipe (LLVM 15)", Kind::kProcessor),
    made_up(1, "AMD Radeon 780M", Kind::kIntegrated),
    made_up(2, "NVIDIA GeForce GTX 680", Kind::kDiscrete, "Vulkan 1.2"),
    made_up(3, "NVIDIA GeForce RTX 4060", Kind::kDiscrete),
    made_up(4, "NVIDIA GeForce RTX 4060 Ti", Kind::kDiscrete),
    made_up(5, "NVIDIA A10", Kind::kDiscrete),
    made_up(6, "NVIDIA A10", Kind::kDiscrete),
    made_up(7, "Virtio-GPU Venus", Kind::kVirtual),
};

struct Choice {
  const char* name;
  int index;
};
class Chosen : public testing::TestWithParam<Choice> {};

TEST_P(Chosen, IsTheOneMeant) {
  const auto device = choose_vulkan_device(kMany, GetParam().name);
  ASSERT_TRUE(device.ok()) << device.error().message;
  EXPECT_EQ(device->index, GetParam().index);
}

INSTANTIATE_TEST_SUITE_P(Names, Chosen,
                         testing::Values(Choice{"auto", 3}, Choice{"0", 0}, Choice{"6", 6},
                                         Choice{"780m", 1}, Choice{"LLVMPIPE", 0},
                                         Choice{"4060 ti", 4}, Choice{"venus", 7},
                                         // a whole name before a part of another's
                                         Choice{"nvidia geforce rtx 4060", 3},
                                         // a number that is no index is a part of a name
                                         Choice{"780", 1},
                                         // of those that will do
                                         Choice{"8", 1}));

struct Refusal {
  const char* name;
  Code code;
  std::vector<const char*> says;
  const char* does_not_say;
};
class Refused : public testing::TestWithParam<Refusal> {};

TEST_P(Refused, NamesTheDevices) {
  const auto device = choose_vulkan_device(kMany, GetParam().name);
  ASSERT_FALSE(device.ok()) << device->name;
  EXPECT_EQ(device.error().code, GetParam().code);
  const std::string& message = device.error().message;
  for (const char* part : GetParam().says)
    EXPECT_NE(message.find(part), std::string::npos) << message;
  EXPECT_EQ(message.find(GetParam().does_not_say), std::string::npos) << message;
}

INSTANTIATE_TEST_SUITE_P(
    Names, Refused,
    testing::Values(
        Refusal{"voodoo",
                Code::kNotFound,
                {"\"voodoo\"", "0: llvmpipe (LLVM 15) (processor)", "6: NVIDIA A10 (discrete)",
                 "2: NVIDIA GeForce GTX 680 (discrete; lacks Vulkan 1.2)"},
                "none"},
        Refusal{"99", Code::kNotFound, {"\"99\"", "7: Virtio-GPU Venus (virtual)"}, "none"},
        Refusal{"-1", Code::kNotFound, {"\"-1\""}, "none"},
        Refusal{"4060", Code::kInvalid, {"3: NVIDIA", "4: NVIDIA", "number"}, "A10"},
        Refusal{"nvidia a10", Code::kInvalid, {"5: NVIDIA A10", "6: NVIDIA A10"}, "4060"},
        Refusal{"2", Code::kUnsupported, {"lacks Vulkan 1.2"}, "A10"},
        Refusal{"gtx", Code::kUnsupported, {"GTX 680", "lacks Vulkan 1.2"}, "A10"},
        Refusal{"", Code::kInvalid, {"empty"}, "A10"}));

int automatic(std::vector<VulkanDevice> devices) {
  const auto device = choose_vulkan_device(devices, "auto");
  return device.ok() ? device->index : -1;
}

TEST(Auto, IsADiscreteOneElseAnIntegratedOne) {
  const auto integrated = made_up(0, "i", Kind::kIntegrated),
             discrete = made_up(1, "d", Kind::kDiscrete);
  EXPECT_EQ(automatic({integrated, discrete}), 1);
  EXPECT_EQ(automatic({discrete, integrated}), 1);
  EXPECT_EQ(automatic({integrated, made_up(1, "d", Kind::kDiscrete, "a compute queue")}), 0);
}

TEST(Auto, IsNeverAnEmulation) {
  EXPECT_EQ(automatic({}), -1);
  EXPECT_EQ(automatic({made_up(0, "p", Kind::kProcessor), made_up(1, "v", Kind::kVirtual),
                       made_up(2, "o", Kind::kOther)}),
            -1);
}

TEST(Auto, SaysWhatThereIsInstead) {
  const auto none = choose_vulkan_device({}, "auto");
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().code, Code::kNotFound);
  EXPECT_NE(none.error().message.find("this machine has none"), std::string::npos);
  const auto slow = choose_vulkan_device({kMany[0]}, "auto");
  ASSERT_FALSE(slow.ok());
  EXPECT_NE(slow.error().message.find("llvmpipe"), std::string::npos) << slow.error().message;
}

}  // namespace
}  // namespace handmill::backend
