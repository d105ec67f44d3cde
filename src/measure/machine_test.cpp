#include "measure/machine.h"

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace handmill::measure {
namespace {

Machine full() {
  Machine machine;
  machine.name = "a box";
  machine.engine = "avx2, 4 threads";
  machine.memory_bytes = {16e9, Source::kReported};
  machine.read_bytes_s = {50e9, Source::kMeasured};
  machine.ops_s = {800e9, Source::kGiven};
  machine.layer_s = {2e-5, Source::kMeasured};
  machine.elements_s = {3e9, Source::kMeasured};
  machine.disk_bytes_s = {2e9, Source::kMeasured};
  machine.pack_bytes_s = {4e9, Source::kMeasured};
  machine.products = {{"q4_k", {40e9, Source::kMeasured}, {}},
                      {"q8_0", {}, {5e11, Source::kGiven}}};
  machine.attention = {{"f16", {30e9, Source::kMeasured}, {2e11, Source::kMeasured}}};
  machine.attention_64 = {{"q8_0", {20e9, Source::kMeasured}, {1e11, Source::kMeasured}}};
  DeviceRates device{"a card",
                     "a driver 1.0",
                     {8e9, Source::kReported},
                     {300e9, Source::kMeasured},
                     {20e12, Source::kMeasured},
                     {10e12, Source::kMeasured},
                     {},
                     {12e9, Source::kMeasured},
                     {11e9, Source::kMeasured},
                     {2e-5, Source::kMeasured}};
  machine.devices = {device, device};
  machine.devices[1].driver = "a driver 2.0";
  return machine;
}

TEST(Machine, ComesBackAsItWas) {
  const auto back = machine_from_json(boost::json::serialize(to_json(full())));
  ASSERT_TRUE(back.ok()) << back.error().message;
  EXPECT_EQ(*back, full());
  EXPECT_EQ(*machine_from_json(boost::json::serialize(to_json(Machine{}))), Machine{});
  EXPECT_FALSE(to_json(Machine{}).contains("devices"));
}

TEST(Machine, RidgeIsOperationsForAByte) {
  EXPECT_DOUBLE_EQ(full().ridge(), 16);
  Machine unknown = full();
  unknown.ops_s = {};
  EXPECT_EQ(unknown.ridge(), 0);
}

struct Bad {
  const char* text;
  const char* message;
};
class BadMachine : public testing::TestWithParam<Bad> {};

TEST_P(BadMachine, NamesTheField) {
  const auto got = machine_from_json(GetParam().text);
  ASSERT_FALSE(got.ok()) << GetParam().text;
  EXPECT_EQ(got.error().code, Code::kInvalid);
  EXPECT_NE(got.error().message.find(GetParam().message), std::string::npos) << got.error().message;
}

INSTANTIATE_TEST_SUITE_P(
    Texts, BadMachine,
    testing::Values(
        Bad{"[]", "the machine must be an object"}, Bad{"{", "byte"},
        Bad{R"({"colour": 1})", "\"colour\" is not known"},
        Bad{R"({"name": 1})", "\"name\" must be a text"},
        Bad{R"({"ops_s": 5})", "\"ops_s\" must be an object"},
        Bad{R"({"ops_s": {"value": 5}})", "\"ops_s\".\"source\" must be"},
        Bad{R"({"ops_s": {"value": 5, "source": "unknown"}})", "\"ops_s\".\"source\" must be"},
        Bad{R"({"ops_s": {"value": 0, "source": "given"}})", "\"ops_s\".\"value\" must be"},
        Bad{R"({"ops_s": {"value": "1", "source": "given"}})", "\"ops_s\".\"value\" must be"},
        Bad{R"({"ops_s": {"value": 1e999, "source": "given"}})", ""},
        Bad{R"({"ops_s": {"value": 1, "source": "given", "unit": "s"}})", "\"unit\" is not known"},
        Bad{R"({"products": {}})", "\"products\" must be a list"},
        Bad{R"({"products": [{}]})", "\"products\"[0].\"format\" must be there"},
        Bad{R"({"products": [{"format": "q8_0"}, {"format": "q8_0"}]})", "\"products\"[1]"},
        Bad{R"({"attention": [{"kv": "f16", "ops_s": {"value": -1, "source": "given"}}]})",
            "\"attention\"[0].\"ops_s\".\"value\" must be"},
        Bad{R"({"devices": [{"driver": "1"}]})", "\"devices\"[0].\"name\" must be there"},
        Bad{R"({"devices": [{"name": "a", "driver": "1"}, {"name": "a", "driver": "1"}]})",
            "\"devices\"[1].\"name\" must be there, and once"},
        Bad{R"({"devices": [{"name": "a", "watts": 1}]})", "\"watts\" is not known"},
        Bad{R"({"devices": [{"name": "a", "submit_s": 1}]})",
            "\"devices\"[0].\"submit_s\" must be an object"}));

}  // namespace
}  // namespace handmill::measure
