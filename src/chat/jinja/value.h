// A Jinja value: Python's None, bool, int, float, str, list, tuple and dict, Jinja's Undefined, and
// objects (namespaces, macros, loops, generators …). Strings, lists and dicts never change once
// they are a Value (the sandbox forbids every method that would), so they are shared freely;
// objects may change, which is why only they can form cycles (see Interpreter::keep).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/result.h"
#include "chat/jinja/marked.h"

namespace handmill::chat::jinja {

/// Wide enough for every integer of JSON; arithmetic that leaves it is an error.
__extension__ typedef __int128 Int;

struct Sequence;
class Dict;
class Object;
class Interpreter;

using TextPtr = std::shared_ptr<const Marked>;
using SequencePtr = std::shared_ptr<const Sequence>;
using DictPtr = std::shared_ptr<const Dict>;
using ObjectPtr = std::shared_ptr<Object>;

struct Undefined {
  std::shared_ptr<const std::string> message;  // what using it says
};
struct None {};

class Value {
 public:
  Value() : data_(None{}) {}
  Value(Undefined v) : data_(std::move(v)) {}    // NOLINT: implicit, as are all of these
  Value(bool v) : data_(v) {}                    // NOLINT
  Value(Int v) : data_(v) {}                     // NOLINT
  Value(int64_t v) : data_(Int{v}) {}            // NOLINT
  Value(int v) : data_(Int{v}) {}                // NOLINT
  Value(size_t v) : data_(Int{v}) {}             // NOLINT
  Value(double v) : data_(v) {}                  // NOLINT
  Value(TextPtr v) : data_(std::move(v)) {}      // NOLINT
  Value(SequencePtr v) : data_(std::move(v)) {}  // NOLINT
  Value(DictPtr v) : data_(std::move(v)) {}      // NOLINT
  Value(ObjectPtr v) : data_(std::move(v)) {}    // NOLINT
  Value(const char*) = delete;
  /// Text of the template's own; strings that grow with their input go through Interpreter::text.
  static Value text(std::string_view v) {
    return std::make_shared<const Marked>(Marked(std::string(v), false));
  }
  static Value undefined(std::string message) {
    return Undefined{std::make_shared<const std::string>(std::move(message))};
  }

  bool is_undefined() const { return std::holds_alternative<Undefined>(data_); }
  bool is_none() const { return std::holds_alternative<None>(data_); }
  const bool* boolean() const { return std::get_if<bool>(&data_); }
  const Int* integer() const { return std::get_if<Int>(&data_); }
  const double* number() const { return std::get_if<double>(&data_); }
  const Marked* text() const { return held<Marked>(); }
  const Sequence* sequence() const { return held<Sequence>(); }
  const Dict* dict() const { return held<Dict>(); }
  Object* object() const {
    auto* p = std::get_if<ObjectPtr>(&data_);
    return p ? p->get() : nullptr;
  }
  template <class T>
  T* object_as() const {
    return dynamic_cast<T*>(object());
  }
  const TextPtr& text_ptr() const { return std::get<TextPtr>(data_); }
  const SequencePtr& sequence_ptr() const { return std::get<SequencePtr>(data_); }
  const ObjectPtr& object_ptr() const { return std::get<ObjectPtr>(data_); }
  const std::string& undefined_message() const { return *std::get<Undefined>(data_).message; }

  /// A bool or an int as Python's int.
  std::optional<Int> as_integer() const;
  /// A bool, an int or a float as a float.
  std::optional<double> as_number() const;
  bool truth() const;
  /// Levels of containers below and including this one; 0 for plain values.
  int depth() const;
  /// "str", "int", "list", … as Python names types in its errors.
  std::string_view type_name() const;
  /// Python's `is`.
  bool same(const Value& other) const;

 private:
  template <class T>
  const T* held() const {
    auto* p = std::get_if<std::shared_ptr<const T>>(&data_);
    return p ? p->get() : nullptr;
  }

  std::variant<Undefined, None, bool, Int, double, TextPtr, SequencePtr, DictPtr, ObjectPtr> data_;
};

struct Sequence {
  enum class Kind { kList, kTuple, kGroup };  // kGroup: groupby's (grouper, list) tuple
  Kind kind = Kind::kList;
  std::vector<Value> items;
  int depth = 1;
};

/// A list or tuple; nesting past kValueDepthMax is an error.
Result<Value> make_sequence(std::vector<Value> items, Sequence::Kind kind = Sequence::Kind::kList);

/// Keeps insertion order. Keys are compared as Python does: 1, 1.0 and True are one key.
class Dict {
 public:
  struct Entry {
    std::string code;  // key_code() of the key
    Value key, value;
  };
  const std::vector<Entry>& entries() const { return entries_; }
  size_t size() const { return entries_.size(); }
  const Value* find(std::string_view text) const;
  const Value* find_code(const std::string& code) const;
  /// Errors: a key that cannot be hashed, or nesting past kValueDepthMax.
  Status set(const Value& key, Value value);
  void set_text(std::string_view key, Value value);
  void erase_all() { entries_.clear(), index_.clear(), depth_ = 1; }
  int depth() const { return depth_; }

 private:
  void put(std::string code, const Value& key, Value value);
  size_t position(const std::string& code) const;

  std::vector<Entry> entries_;
  std::unordered_map<std::string, size_t> index_;  // only once there are more than a few
  int depth_ = 1;
};

/// Equal for keys that Python holds to be equal. Errors: unhashable values.
Result<std::string> key_code(const Value& key);

/// What a call passes.
struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<std::string, Value>> named;
};

/// The elements of an iteration: a shared list's own, or new ones.
class Items {
 public:
  Items() = default;
  explicit Items(SequencePtr shared) : shared_(std::move(shared)) {}
  explicit Items(std::vector<Value> own) : own_(std::move(own)) {}
  std::span<const Value> view() const { return shared_ ? shared_->items : own_; }
  size_t size() const { return view().size(); }
  auto begin() const { return view().begin(); }
  auto end() const { return view().end(); }
  const Value& operator[](size_t i) const { return view()[i]; }
  std::vector<Value> take() && { return shared_ ? shared_->items : std::move(own_); }

 private:
  SequencePtr shared_;
  std::vector<Value> own_;
};

using Maybe = std::optional<Value>;

/// What is not plain data.
class Object {
 public:
  virtual ~Object() = default;
  virtual std::string_view type_name() const = 0;
  virtual std::string repr() const;
  /// Python's getattr; nothing: there is none. A name that the sandbox hides is the caller's
  /// matter.
  virtual Result<Maybe> attribute(Interpreter&, std::string_view) { return Maybe(); }
  virtual bool callable() const { return false; }
  virtual Result<Value> call(Interpreter&, const Arguments&);
  virtual bool iterable() const { return false; }
  virtual Result<Items> iterate(Interpreter&);
  virtual std::optional<size_t> length() { return std::nullopt; }
  virtual Result<Maybe> item(Interpreter&, const Value&) { return Maybe(); }
  virtual bool hashable() const { return true; }
  virtual int depth() const { return 1; }
  virtual void clear() {}  // lets go of other values, at the end of a render
};

}  // namespace handmill::chat::jinja
