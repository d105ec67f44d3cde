#include "measure/device_survey.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "base/error.h"

namespace handmill::measure {
namespace {

using backend::VulkanDevice;

VulkanDevice made_up(int index, uint32_t device_id) {
  VulkanDevice device;
  device.index = index;
  device.name = "Card 9";
  device.driver = "Maker 1.0";
  device.vendor_id = 0x1002;
  device.device_id = device_id;
  device.kind = VulkanDevice::Kind::kDiscrete;
  device.api_major = 1;
  device.api_minor = 3;
  device.heaps = {{100, 60, false, true}, {80, 50, true, false}};
  device.main_heap = 1;
  device.budget_known = true;
  device.float16 = true;
  return device;
}

probe::Gpu card(const char* name, uint32_t device_id) {
  probe::Gpu gpu;
  gpu.card = name;
  gpu.vendor_id = 0x1002;
  gpu.device_id = device_id;
  gpu.vram_bytes = 81;
  return gpu;
}

Result<backend::DeviceFigures> figures_of(const VulkanDevice& device) {
  return backend::DeviceFigures{.read_bytes_s = 10.0 + device.index,
                                .int8_ops_s = 20,
                                .f32_ops_s = 30,
                                .f16_ops_s = 0,
                                .upload_bytes_s = 40,
                                .download_bytes_s = 50,
                                .submit_s = 60};
}

TEST(MatchCards, GivesEachDeviceACardOfItsKind) {
  const std::vector<VulkanDevice> devices = {made_up(0, 7), made_up(1, 9), made_up(2, 7),
                                             made_up(3, 7)};
  const std::vector<probe::Gpu> cards = {card("card0", 9), card("card1", 7), card("card2", 7),
                                         probe::Gpu{}};
  const auto matches = match_cards(devices, cards);
  ASSERT_EQ(matches.size(), 4u);
  EXPECT_EQ(matches[0]->card, "card1");
  EXPECT_EQ(matches[1]->card, "card0");
  EXPECT_EQ(matches[2]->card, "card2");
  EXPECT_FALSE(matches[3].has_value());
}

TEST(BudgetOf, IsThatOfTheDeviceThatTellsOne) {
  auto surveys =
      survey_devices(std::vector{made_up(0, 7)}, std::vector{card("card1", 7)}, figures_of);
  EXPECT_EQ(budget_of(surveys, card("card1", 7)), 50u);
  EXPECT_EQ(budget_of(surveys, card("card2", 7)), std::nullopt);
  surveys[0].device.budget_known = false;
  EXPECT_EQ(budget_of(surveys, card("card1", 7)), std::nullopt);
}

TEST(SurveyDevices, MeasuresWhatWillDo) {
  std::vector<VulkanDevice> devices = {made_up(0, 7), made_up(1, 7), made_up(2, 8)};
  devices[1].missing = "a compute queue";
  devices[1].heaps.clear();
  const auto surveys = survey_devices(devices, {}, [](const VulkanDevice& device) {
    if (device.index == 2) return Result<backend::DeviceFigures>(base::io("it was lost"));
    EXPECT_EQ(device.missing, "");
    return figures_of(device);
  });
  ASSERT_EQ(surveys.size(), 3u);
  EXPECT_EQ(surveys[0].rates.read_bytes_s, (Figure{10, Source::kMeasured}));
  EXPECT_EQ(surveys[0].rates.submit_s, (Figure{60, Source::kMeasured}));
  EXPECT_EQ(surveys[0].rates.memory_bytes, (Figure{50, Source::kReported}));
  EXPECT_FALSE(surveys[0].rates.f16_ops_s.known());
  EXPECT_EQ(surveys[1].why_unmeasured, "it lacks a compute queue");
  EXPECT_FALSE(surveys[1].rates.memory_bytes.known());
  EXPECT_EQ(surveys[2].why_unmeasured, "it was lost");
}

TEST(RatesOf, KeepTheFirstOfIdenticalDevicesThatWereMeasured) {
  std::vector<VulkanDevice> devices = {made_up(0, 7), made_up(1, 7), made_up(2, 7), made_up(3, 7)};
  devices[0].missing = "memory of its own";
  devices[3].driver = "Maker 2.0";
  const auto rates = rates_of(survey_devices(devices, {}, figures_of));
  ASSERT_EQ(rates.size(), 2u);
  EXPECT_EQ(rates[0].read_bytes_s.value, 11);
  EXPECT_EQ(rates[1].driver, "Maker 2.0");
}

TEST(DeviceMachine, HasTheKeptFiguresAndTheMemoryOfNow) {
  VulkanDevice device = made_up(0, 7);
  Machine kept;
  kept.devices = rates_of(survey_devices(std::vector{device}, {}, figures_of));
  device.heaps[1].budget_bytes = 33;
  const DeviceRates* rates = find_rates(kept, device);
  ASSERT_NE(rates, nullptr);
  const Machine machine = device_machine(*rates, device);
  EXPECT_EQ(machine.name, "Card 9");
  EXPECT_EQ(machine.memory_bytes, (Figure{33, Source::kReported}));
  EXPECT_EQ(machine.read_bytes_s, (Figure{10, Source::kMeasured}));
  EXPECT_EQ(machine.ops_s, (Figure{20, Source::kMeasured}));
  device.driver = "Maker 1.1";
  EXPECT_EQ(find_rates(kept, device), nullptr);
}

TEST(DeviceJson, SaysWhatIsKnownAndByWhom) {
  VulkanDevice device = made_up(4, 7);
  const auto told = [&] {
    const auto surveys =
        survey_devices(std::vector{device}, std::vector{card("card1", 7)}, figures_of);
    return boost::json::parse(boost::json::serialize(to_json(surveys.front())));
  };
  auto got = told();
  EXPECT_EQ(got.at_pointer("/index"), 4);
  EXPECT_EQ(got.at_pointer("/kind"), "discrete");
  EXPECT_EQ(got.at_pointer("/vulkan"), "1.3");
  EXPECT_EQ(got.at_pointer("/vendor_id"), "0x1002");
  EXPECT_EQ(got.at_pointer("/card"), "card1");
  EXPECT_EQ(got.at_pointer("/vram_bytes/value"), 81);
  EXPECT_TRUE(got.at_pointer("/gtt_bytes").is_null());
  EXPECT_EQ(got.at_pointer("/heaps/0/main"), false);
  EXPECT_EQ(got.at_pointer("/heaps/1/main"), true);
  EXPECT_EQ(got.at_pointer("/heaps/1/bytes/value"), 80);
  EXPECT_EQ(got.at_pointer("/heaps/1/budget_bytes/value"), 50);
  EXPECT_EQ(got.at_pointer("/features/float16"), true);
  EXPECT_EQ(got.at_pointer("/figures/int8_ops_s/value"), 20.0);
  EXPECT_TRUE(got.at_pointer("/figures/f16_ops_s").is_null());
  EXPECT_TRUE(got.at_pointer("/missing").is_null());
  EXPECT_FALSE(got.at_pointer("/figures").as_object().contains("name"));
  device.budget_known = false;
  device.missing = "timeline semaphores";
  got = told();
  EXPECT_TRUE(got.at_pointer("/heaps/1/budget_bytes").is_null());
  EXPECT_EQ(got.at_pointer("/missing"), "timeline semaphores");
  EXPECT_EQ(got.at_pointer("/why_unmeasured"), "it lacks timeline semaphores");
}

}  // namespace
}  // namespace handmill::measure
