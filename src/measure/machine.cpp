#include "measure/machine.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cmath>
#include <optional>
#include <set>

#include "base/error.h"
#include "base/json.h"
#include "base/quote.h"

namespace handmill::measure {
namespace {

namespace json = boost::json;

constexpr std::array kSources = {Source::kMeasured, Source::kReported, Source::kGiven};
constexpr size_t kRatesMax = 64;
constexpr size_t kTextMax = 256;

template <class Rate>
json::array rates_json(const std::vector<Rate>& rates, std::string_view key,
                       std::string Rate::* name) {
  json::array out;
  for (const Rate& rate : rates)
    out.push_back(json::object{
        {key, rate.*name}, {"bytes_s", to_json(rate.bytes_s)}, {"ops_s", to_json(rate.ops_s)}});
  return out;
}

struct DeviceField {
  std::string_view key;
  Figure DeviceRates::* figure;
};
constexpr std::array kDeviceFields = {
    DeviceField{"memory_bytes", &DeviceRates::memory_bytes},
    DeviceField{"read_bytes_s", &DeviceRates::read_bytes_s},
    DeviceField{"int8_ops_s", &DeviceRates::int8_ops_s},
    DeviceField{"f32_ops_s", &DeviceRates::f32_ops_s},
    DeviceField{"f16_ops_s", &DeviceRates::f16_ops_s},
    DeviceField{"upload_bytes_s", &DeviceRates::upload_bytes_s},
    DeviceField{"download_bytes_s", &DeviceRates::download_bytes_s},
    DeviceField{"submit_s", &DeviceRates::submit_s},
};

/// Reads the fields of one object; the first thing that is wrong is kept.
class Reader {
 public:
  Reader(const json::value& value, std::string path, std::optional<Error>& error)
      : path_(std::move(path)), error_(error) {
    if (value.is_object())
      object_ = &value.get_object();
    else
      fail("", "must be an object");
  }

  void text(std::string_view key, std::string& out) {
    const json::value* value = take(key);
    if (value == nullptr || value->is_null()) return;
    if (!value->is_string() || value->get_string().size() > kTextMax)
      return fail(key, "must be a text of at most 256 bytes");
    out = std::string(value->get_string());
  }

  void figure(std::string_view key, Figure& out) {
    const json::value* value = take(key);
    if (value == nullptr || value->is_null()) return;
    Reader inside(*value, where(key), error_);
    std::string source;
    inside.text("source", source);
    const json::value* number = inside.take("value");
    inside.end();
    const auto known = std::ranges::find(kSources, source, source_name);
    if (known == kSources.end())
      return inside.fail("source", "must be measured, reported or given");
    if (number == nullptr || !number->is_number() || !std::isfinite(number->to_number<double>()) ||
        number->to_number<double>() <= 0)
      return inside.fail("value", "must be a number above 0");
    out = {number->to_number<double>(), *known};
  }

  /// `read` takes an item's fields, and returns what tells it from the others.
  template <class Item, class Read>
  void list(std::string_view key, std::string_view name, std::vector<Item>& out, Read read) {
    const json::value* value = take(key);
    if (value == nullptr || value->is_null()) return;
    if (!value->is_array() || value->get_array().size() > kRatesMax)
      return fail(key, "must be a list of at most 64");
    std::set<std::string> seen;
    for (const json::value& item : value->get_array()) {
      Reader inside(item, where(key) + "[" + std::to_string(out.size()) + "]", error_);
      out.emplace_back();
      const std::string id = read(inside, out.back());
      inside.end();
      if (!seen.insert(id).second || id.empty())
        return inside.fail(name, "must be there, and once in the list");
    }
  }

  template <class Rate>
  void rates(std::string_view key, std::string_view name, std::string Rate::* member,
             std::vector<Rate>& out) {
    list(key, name, out, [&](Reader& inside, Rate& rate) {
      inside.text(name, rate.*member);
      inside.figure("bytes_s", rate.bytes_s);
      inside.figure("ops_s", rate.ops_s);
      return rate.*member;
    });
  }

  /// Whatever was not asked for is unknown.
  void end() {
    if (object_ == nullptr) return;
    for (const auto& field : *object_)
      if (!taken_.contains(std::string(field.key()))) return fail(field.key(), "is not known");
  }

 private:
  const json::value* take(std::string_view key) {
    taken_.insert(std::string(key));
    return object_ == nullptr ? nullptr : object_->if_contains(key);
  }
  std::string where(std::string_view key) const {
    if (key.empty()) return path_.empty() ? "the machine" : path_;
    return (path_.empty() ? "" : path_ + ".") + base::quoted(key);
  }
  void fail(std::string_view key, std::string_view what) {
    if (!error_) error_ = base::invalid("{} {}", where(key), what);
  }

  const json::object* object_ = nullptr;
  std::set<std::string> taken_;
  std::string path_;
  std::optional<Error>& error_;
};

}  // namespace

std::string_view source_name(Source source) {
  switch (source) {
    case Source::kUnknown: return "unknown";
    case Source::kMeasured: return "measured";
    case Source::kReported: return "reported";
    case Source::kGiven: return "given";
  }
  return "unknown";
}

double Machine::ridge() const {
  return ops_s.known() && read_bytes_s.known() ? ops_s.value / read_bytes_s.value : 0;
}

json::value to_json(const Figure& figure) {
  if (!figure.known()) return nullptr;
  return json::object{{"value", figure.value}, {"source", source_name(figure.source)}};
}

json::object to_json(const DeviceRates& device) {
  json::object out{{"name", device.name}, {"driver", device.driver}};
  for (const DeviceField& field : kDeviceFields) out[field.key] = to_json(device.*field.figure);
  return out;
}

json::object to_json(const Machine& machine) {
  json::object out{{"name", machine.name},
                   {"engine", machine.engine},
                   {"memory_bytes", to_json(machine.memory_bytes)},
                   {"read_bytes_s", to_json(machine.read_bytes_s)},
                   {"ops_s", to_json(machine.ops_s)},
                   {"layer_s", to_json(machine.layer_s)},
                   {"elements_s", to_json(machine.elements_s)},
                   {"disk_bytes_s", to_json(machine.disk_bytes_s)},
                   {"pack_bytes_s", to_json(machine.pack_bytes_s)},
                   {"products", rates_json(machine.products, "format", &ProductRate::format)},
                   {"attention", rates_json(machine.attention, "kv", &AttentionRate::kv)},
                   {"attention_64", rates_json(machine.attention_64, "kv", &AttentionRate::kv)}};
  if (machine.devices.empty()) return out;
  json::array devices;
  for (const DeviceRates& device : machine.devices) devices.push_back(to_json(device));
  out["devices"] = std::move(devices);
  return out;
}

Result<Machine> machine_from_json(std::string_view text) {
  HANDMILL_TRY(const json::value value, base::parse_json(text));
  std::optional<Error> error;
  Machine machine;
  Reader reader(value, "", error);
  reader.text("name", machine.name);
  reader.text("engine", machine.engine);
  reader.figure("memory_bytes", machine.memory_bytes);
  reader.figure("read_bytes_s", machine.read_bytes_s);
  reader.figure("ops_s", machine.ops_s);
  reader.figure("layer_s", machine.layer_s);
  reader.figure("elements_s", machine.elements_s);
  reader.figure("disk_bytes_s", machine.disk_bytes_s);
  reader.figure("pack_bytes_s", machine.pack_bytes_s);
  reader.rates("products", "format", &ProductRate::format, machine.products);
  reader.rates("attention", "kv", &AttentionRate::kv, machine.attention);
  reader.rates("attention_64", "kv", &AttentionRate::kv, machine.attention_64);
  reader.list("devices", "name", machine.devices, [](Reader& inside, DeviceRates& device) {
    inside.text("name", device.name);
    inside.text("driver", device.driver);
    for (const DeviceField& field : kDeviceFields) inside.figure(field.key, device.*field.figure);
    return device.name.empty() ? "" : device.name + "\n" + device.driver;
  });
  reader.end();
  if (error) return *std::move(error);
  return machine;
}

}  // namespace handmill::measure
