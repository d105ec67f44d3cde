// libFuzzer: any bytes are either a SectionFile whose every section can be read, or an Error with a
// message. A checksum that fits is put in, so that what lies behind it is reached.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "base/checksum.h"
#include "base/section_file.h"

namespace {

/// Head and one section: a file up to its table.
std::vector<uint8_t> beginning() {
  std::vector<uint8_t> file;
  handmill::base::SectionWriter writer([&file](std::span<const uint8_t> bytes) {
    file.insert(file.end(), bytes.begin(), bytes.end());
    return handmill::Status();
  });
  const uint8_t section[200] = {1, 2, 3};
  (void)writer.add("a", section);
  (void)writer.finish("");
  uint64_t table;
  std::memcpy(&table, file.data() + file.size() - 32, sizeof table);
  file.resize(table);
  return file;
}

/// The input as a table and the two numbers of the tail; around them what makes them a file.
std::vector<uint8_t> as_file(std::span<const uint8_t> input) {
  static const std::vector<uint8_t> kBeginning = beginning();
  std::vector<uint8_t> file = kBeginning;
  file.insert(file.end(), input.begin(), input.end());
  const std::span<const uint8_t> all = file;
  const uint64_t sum = handmill::base::checksum(all.subspan(kBeginning.size()),
                                                handmill::base::checksum(all.first(64)));
  const auto* bytes = reinterpret_cast<const uint8_t*>(&sum);
  file.insert(file.end(), bytes, bytes + sizeof sum);
  const std::string_view magic = "handmill";
  file.insert(file.end(), magic.begin(), magic.end());
  return file;
}

void read(std::span<const uint8_t> bytes) {
  const auto file = handmill::base::SectionFile::parse(bytes, "fuzz");
  if (file.ok()) {
    (void)file->verify();
  } else if (!file.error().message.starts_with("fuzz: ")) {
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  read({data, size});
  read(as_file({data, size}));
  return 0;
}
