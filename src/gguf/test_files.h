// For this room's tests: a second, independent walk over a valid file that says where each field
// lies, and patches at those places.
#pragma once

#include <cstdint>
#include <cstring>
#include <gtest/gtest.h>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "base/temp_folder.h"
#include "gguf/file.h"

namespace handmill::gguf {

struct KnownField {
  std::string name;  // "version", "KEY value type", "tensor NAME offset"
  size_t offset;
  size_t size;
};

/// REQUIRES: a valid file of version 2 or 3. Fields of variable length are not listed, their
/// lengths are.
class FieldMap {
 public:
  explicit FieldMap(const std::vector<uint8_t>& bytes) : bytes_(bytes) {
    add("magic", 4);
    add("version", 4);
    const uint64_t n_tensors = add("tensor count", 8), n_entries = add("metadata count", 8);
    for (uint64_t i = 0; i < n_entries; ++i) {
      const std::string key = text("key length");
      fields_.back().name = key + " key length";
      const uint64_t type = add(key + " value type", 4);
      if (type == 9)
        array(key);
      else
        value(key + " value", type);
    }
    for (uint64_t i = 0; i < n_tensors; ++i) {
      const std::string name = "tensor " + text("name length");
      fields_.back().name = name + " name length";
      const uint64_t n_dims = add(name + " dimension count", 4);
      for (uint64_t d = 0; d < n_dims; ++d) add(name + " dimension " + std::to_string(d), 8);
      add(name + " type", 4);
      add(name + " offset", 8);
    }
  }

  const std::vector<KnownField>& fields() const { return fields_; }
  size_t end() const { return at_; }  // of the tensor table
  const KnownField& operator[](std::string_view name) const {
    for (const KnownField& field : fields_)
      if (field.name == name) return field;
    ADD_FAILURE() << "no field " << name;
    return fields_.front();
  }

 private:
  uint64_t add(const std::string& name, size_t size) {
    uint64_t number = 0;
    std::memcpy(&number, bytes_.data() + at_, size);
    fields_.push_back({name, at_, size});
    at_ += size;
    return number;
  }
  std::string text(const std::string& name) {
    const uint64_t length = add(name, 8);
    const std::string out(bytes_.begin() + static_cast<ptrdiff_t>(at_),
                          bytes_.begin() + static_cast<ptrdiff_t>(at_ + length));
    at_ += length;
    return out;
  }
  void value(const std::string& name, uint64_t type) {
    static constexpr size_t kSizes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
    if (type == 8)
      text(name + " length");
    else
      add(name, kSizes[type]);
  }
  void array(const std::string& key) {
    const uint64_t type = add(key + " element type", 4), count = add(key + " array length", 8);
    for (uint64_t i = 0; i < count; ++i) value(key + " element " + std::to_string(i), type);
  }

  const std::vector<uint8_t>& bytes_;
  size_t at_ = 0;
  std::vector<KnownField> fields_;
};

inline void put_number(std::vector<uint8_t>& bytes, const KnownField& field, uint64_t number) {
  std::memcpy(bytes.data() + field.offset, &number, field.size);
}

using base::TempFolder;

/// The error has this code, begins with `file`, and says each of `parts`.
template <class T>
void expect_error(const Result<T>& result, Code code, std::string_view file,
                  std::initializer_list<std::string_view> parts) {
  ASSERT_FALSE(result.ok()) << "must be refused: " << (parts.size() ? *parts.begin() : "");
  const std::string& message = result.error().message;
  EXPECT_EQ(result.error().code, code) << message;
  EXPECT_TRUE(message.starts_with(std::string(file) + ": ")) << message;
  for (std::string_view part : parts)
    EXPECT_NE(message.find(part), std::string::npos) << message << "\n  lacks: " << part;
  EXPECT_EQ(message.find('\n'), std::string::npos) << message;
}

}  // namespace handmill::gguf
