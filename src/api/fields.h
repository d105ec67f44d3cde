// Reads what a client wrote, strictly: a field is absent, or has the type and the range that it
// must have, or there is a Fault with its path ("messages[2].content"). The first fault is kept and
// the rest read on as if absent, so that a reader is a plain list of fields with one look at the
// end. null is as if absent. Whole numbers may be written as 16.0.
//
//   Reading reading;
//   Fields body(object, reading);
//   body.at("model").read(completion.model, kModelBytesMax);
//   body.at("temperature").read(settings.temperature, 0, 100);
//   body.pass_over({"user"});
//   body.ignore_rest();
//   if (reading.fault) return *reading.fault;
#pragma once

#include <boost/json.hpp>
#include <fmt/format.h>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/dialect.h"
#include "api/event.h"
#include "api/limits.h"
#include "text/tokenizer.h"

namespace handmill::api {

/// One request being read.
struct Reading {
  std::optional<Fault> fault;        // the first
  std::vector<std::string> ignored;  // names that were passed over, fit for a log line

  void fail(Fault::Kind kind, std::string param, std::string message);
  void ignore(std::string path);  // of a field
};

class Fields;

/// The value at a path, or its absence. Reads of an absent one leave `out` alone and give false,
/// as do those that fail.
class Field {
 public:
  Field(const boost::json::value* value, std::string path, Reading& reading)
      : value_(value), path_(std::move(path)), reading_(&reading) {}

  bool given() const { return value_ != nullptr; }
  const std::string& path() const { return path_; }
  const boost::json::value& value() const { return *value_; }  // REQUIRES: given()
  bool is_text() const { return given() && value_->is_string(); }
  bool is_bool() const { return given() && value_->is_bool(); }
  bool is_number() const { return given() && value_->is_number(); }
  bool is_array() const { return given() && value_->is_array(); }
  bool is_object() const { return given() && value_->is_object(); }

  bool read(bool& out) const;
  bool read(int& out, int64_t low, int64_t high) const;
  bool read(int64_t& out, int64_t low, int64_t high) const;
  bool read(float& out, double low, double high) const;
  bool read(double& out, double low, double high) const;
  bool read(std::string& out, const Limit& bytes_max) const;
  /// One of a few words; `out` is its index.
  bool read_word(size_t& out, std::initializer_list<std::string_view> words) const;
  /// Token numbers, all of them ≥ 0.
  bool read_tokens(std::vector<text::Token>& out, const Limit& most = kTokensMax) const;
  /// The elements of an array, nulls among them as absent fields.
  std::vector<Field> items(const Limit& most) const;
  /// The fields of an object; none where it is not one.
  Fields fields() const;

  /// A fault unless it was given.
  const Field& required() const;
  /// "PATH WHAT": "messages[0].role is …".
  template <class... Args>
  void invalid(fmt::format_string<Args...> what, Args&&... args) const {
    fail(Fault::Kind::kInvalid, fmt::format(what, std::forward<Args>(args)...));
  }
  template <class... Args>
  void unsupported(fmt::format_string<Args...> what, Args&&... args) const {
    fail(Fault::Kind::kUnsupported, fmt::format(what, std::forward<Args>(args)...));
  }
  /// The usual fault of a wrong type: "PATH is a number; it must be WANTED".
  void wrong_type(std::string_view wanted) const;

 private:
  void fail(Fault::Kind kind, const std::string& what) const;
  std::optional<int64_t> whole(int64_t low, int64_t high) const;
  std::optional<double> real(double low, double high) const;

  const boost::json::value* value_;
  std::string path_;
  Reading* reading_;
};

/// An object and which of its fields were looked at.
class Fields {
 public:
  /// `object` must outlive this; nullptr: nothing is given.
  Fields(const boost::json::object* object, std::string path, Reading& reading);
  Fields(const boost::json::object& object, Reading& reading) : Fields(&object, {}, reading) {}

  Field at(std::string_view name);
  /// Looks at fields that change nothing; those that are given go to `ignored`.
  void pass_over(std::initializer_list<std::string_view> names);
  /// Fields whose neglect would change the answer: a kUnsupported fault that names the first that
  /// is given and not is_empty.
  void refuse(std::initializer_list<std::string_view> names, std::string_view why);
  /// Names of all that nobody looked at go to `ignored`.
  void ignore_rest();

 private:
  std::string path_of(std::string_view name) const;

  const boost::json::object* object_;
  std::string path_;
  Reading* reading_;
  std::vector<std::string_view> seen_;
};

/// Null, false, 0, "", [] or {}: what clients write for "not this".
bool is_empty(const boost::json::value& value);

/// The object that a body is.
Read<boost::json::object> parse_body(std::string_view text);

}  // namespace handmill::api
