#include "probe/gpu.h"

#include <gtest/gtest.h>

#include "probe/fake_machine.h"

namespace handmill::probe {
namespace {

const std::string kDrm = "/sys/class/drm/";

TEST(Gpus, VramAndGttAreTwoPools) {
  FakeMachine machine;
  const std::string device = kDrm + "card1/device/";
  machine.file(device + "vendor", "0x1002\n");
  machine.file(device + "device", "0x150e\n");
  machine.file(device + "uevent", "DRIVER=amdgpu\nPCI_CLASS=38000\n");
  machine.file(device + "product_name", "Radeon 890M\n");
  machine.file(device + "mem_info_vram_total", "536870912\n");
  machine.file(device + "mem_info_vram_used", "1048576\n");
  machine.file(device + "mem_info_gtt_total", "16777216000\n");
  machine.file(device + "mem_info_gtt_used", "0\n");
  const auto gpus = read_gpus(machine.root());
  ASSERT_EQ(gpus.size(), 1u);
  EXPECT_EQ(gpus[0].card, "card1");
  EXPECT_EQ(gpus[0].driver, "amdgpu");
  EXPECT_EQ(gpus[0].name, "Radeon 890M");
  EXPECT_EQ(vendor_name(gpus[0]), "AMD");
  EXPECT_EQ(gpus[0].device_id, 0x150eu);
  EXPECT_EQ(gpus[0].vram_bytes, 536870912u);
  EXPECT_EQ(gpus[0].vram_used_bytes, 1048576u);
  EXPECT_EQ(gpus[0].gtt_bytes, 16777216000u);
  EXPECT_EQ(gpus[0].gtt_used_bytes, 0u);
}

TEST(Gpus, WhatIsNotToldIsUnknown) {
  FakeMachine machine;
  machine.file(kDrm + "card0/device/vendor", "0x10de\n");
  machine.file(kDrm + "card0/device/device", "no number\n");
  machine.file(kDrm + "card0/device/mem_info_vram_total", "-1\n");
  const auto gpus = read_gpus(machine.root());
  ASSERT_EQ(gpus.size(), 1u);
  EXPECT_EQ(vendor_name(gpus[0]), "NVIDIA");
  EXPECT_EQ(gpus[0].driver + gpus[0].name, "");
  EXPECT_FALSE(gpus[0].device_id || gpus[0].vram_bytes || gpus[0].gtt_bytes);
  EXPECT_EQ(vendor_name(Gpu{}), "");
}

TEST(Gpus, MayBeThereWhereAProgramCanReachOne) {
  for (const char* path : {"/dev/dri/renderD128", "/dev/nvidiactl", "/dev/dxg"}) {
    FakeMachine machine;
    EXPECT_FALSE(may_have_gpu(machine.root()));
    machine.file("/dev/dri/card0", "");  // shows pictures, and computes nothing
    EXPECT_FALSE(may_have_gpu(machine.root()));
    machine.file(path, "");
    EXPECT_TRUE(may_have_gpu(machine.root())) << path;
  }
}

TEST(Gpus, AreTheCardsInTheirOrderWithoutTheirPlugs) {
  FakeMachine machine;
  for (const char* name : {"card10", "card2", "card2-HDMI-A-1", "renderD128", "version"})
    machine.file(kDrm + name + "/device/vendor", "0x8086\n");
  const auto gpus = read_gpus(machine.root());
  ASSERT_EQ(gpus.size(), 2u);
  EXPECT_EQ(gpus[0].card, "card2");
  EXPECT_EQ(gpus[1].card, "card10");
  EXPECT_TRUE(read_gpus(FakeMachine().root()).empty());
}

}  // namespace
}  // namespace handmill::probe
