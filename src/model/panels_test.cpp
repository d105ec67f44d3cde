// The panel file of a model: the same bits as packing, and no other use of it than for the very
// model and layout that it was made from.
#include "model/panels.h"

#include <cstring>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>

#include "backend/cpu/cpu.h"
#include "base/temp_folder.h"
#include "model/model.h"
#include "model/tiny_model.h"

namespace handmill::model {
namespace {

using Bytes = std::vector<uint8_t>;
using tensor::Type;

class PanelsTest : public testing::Test {
 protected:
  gguf::File write(const TinyModel& tiny, std::string_view name = "m.gguf") const {
    tiny.write(folder_ / name);
    return std::move(*gguf::File::open(folder_ / name));
  }
  Bytes panels_of(const gguf::File& file) const {
    Bytes out;
    const Status written =
        write_panels(file, *backend_, [&out](std::span<const uint8_t> bytes) -> Status {
          out.insert(out.end(), bytes.begin(), bytes.end());
          return {};
        });
    EXPECT_TRUE(written.ok()) << written.error().message;
    EXPECT_LE(out.size(), panel_file_bytes(file, *backend_));
    return out;
  }
  /// Why `bytes` are not the panels of `file`; empty where they are.
  std::string fault(const gguf::File& file, const Bytes& bytes) const {
    const std::string path = folder_.file("x.panels", bytes);
    const auto panels = Panels::open(path, file, *backend_);
    if (panels.ok()) return "";
    EXPECT_TRUE(panels.error().message.starts_with(path)) << panels.error().message;
    return panels.error().message;
  }
  std::vector<float> logits(const gguf::File& file,
                            const std::shared_ptr<const Panels>& panels) const {
    constexpr int kTokens = 5;
    auto model = std::move(*Model::load(file, *backend_, kTokens, kTokens, {}, panels));
    EXPECT_EQ(model->mapped_bytes(), panels == nullptr ? 0 : model->bytes_per_token());
    auto store = std::move(*backend_->kv_store(model->kv_shape(backend::KvType::kF16), 1));
    const std::vector<int32_t> tokens{7, 42, 7, 250, 0}, positions{0, 1, 2, 3, 4}, owners(kTokens),
        block{0};
    const std::span<const int32_t> table = block;
    const auto& out = model->forward(tokens, {positions, owners, {&table, 1}}, *store, positions);
    std::vector<float> values(kTokens * out.cols());
    for (size_t row = 0; row < kTokens; ++row)
      backend_->read(out, row, std::span(values).subspan(row * out.cols(), out.cols()));
    return values;
  }

  base::TempFolder folder_;
  std::unique_ptr<backend::Backend> backend_ = std::move(*backend::make_cpu_backend(2));
};

TEST_F(PanelsTest, GiveTheSameBitsAsPacking) {
  std::vector<TinyModel> models(3);
  models[0].tied = false;
  models[1].architecture = "gemma3";
  models[1].types = {Type::kF32, Type::kF16, Type::kBF16, Type::kQ8_0};
  models[2].architecture = "qwen2";
  for (const TinyModel& tiny : models) {
    const gguf::File file = write(tiny);
    folder_.file("m.panels", panels_of(file));
    const auto panels = find_panels(file, *backend_, "");
    ASSERT_NE(panels, nullptr);
    EXPECT_TRUE(panels->verify().ok());
    const auto packed = logits(file, nullptr), mapped = logits(file, panels);
    ASSERT_EQ(packed.size(), mapped.size());
    EXPECT_EQ(0, std::memcmp(packed.data(), mapped.data(), packed.size() * sizeof(float)));
  }
}

TEST_F(PanelsTest, HoldWhatIsMultipliedAndNothingElse) {
  TinyModel tiny;
  for (const bool tied : {true, false}) {
    tiny.tied = tied;
    const gguf::File file = write(tiny);
    folder_.file("m.panels", panels_of(file));
    const auto panels = find_panels(file, *backend_, "");
    ASSERT_NE(panels, nullptr);
    EXPECT_EQ(panels->find("token_embd.weight").empty(), !tied);
    EXPECT_EQ(panels->find("output.weight").empty(), tied);
    EXPECT_FALSE(panels->find("blk.0.ffn_up.weight").empty());
    EXPECT_TRUE(panels->find("output_norm.weight").empty());
  }
}

TEST_F(PanelsTest, LieBesideTheModelOrInTheOtherFolder) {
  const gguf::File file = write({});
  EXPECT_EQ(panel_places(file, ""), std::vector{folder_ / "m.panels"});
  EXPECT_EQ(panel_places(file, "/far"),
            (std::vector<std::string>{folder_ / "m.panels", "/far/m.panels"}));
  EXPECT_EQ(find_panels(file, *backend_, folder_ / "far"), nullptr);
  const std::string far = folder_.file("far/m.panels", panels_of(file));
  ASSERT_NE(find_panels(file, *backend_, folder_ / "far"), nullptr);
  folder_.file("m.panels", "no panels");
  EXPECT_EQ(find_panels(file, *backend_, folder_ / "far")->path(), far);
  EXPECT_EQ(find_panels(file, *backend_, ""), nullptr);
}

TEST_F(PanelsTest, OfAChangedModelDoNotServe) {
  const std::string path = folder_ / "m.gguf";
  TinyModel tiny;
  const gguf::File file = write(tiny);
  const Bytes panels = panels_of(file);
  EXPECT_EQ(fault(file, panels), "");
  const auto time = std::filesystem::last_write_time(path);
  const auto changed = [&](std::string_view what) {
    const std::string why = fault(*gguf::File::open(path), panels);
    EXPECT_NE(why.find(what), std::string::npos) << why;
  };
  std::filesystem::last_write_time(path, time + std::chrono::seconds(1));
  changed("modified: ");
  tiny.seed = 2;  // the same shapes with other values, and the old time
  write(tiny);
  std::filesystem::last_write_time(path, time);
  changed("contents: ");
  tiny.change = [](gguf::Writer& writer) { writer.set_string("general.name", "longer"); };
  write(tiny);
  std::filesystem::last_write_time(path, time);
  changed("size: ");
  tiny.layers = 2;
  const gguf::File other = write(tiny, "other.gguf");
  EXPECT_NE(fault(file, panels_of(other)), "");
}

/// The sections of a panel file, written anew with a change.
class Rewrite {
 public:
  explicit Rewrite(const Bytes& bytes) : file_(std::move(*base::SectionFile::parse(bytes, "x"))) {
    source = file_.source();
    for (const base::Section& section : file_.sections())
      sections.emplace_back(section.name, section.bytes);
  }
  Bytes written() const {
    Bytes out;
    base::SectionWriter writer([&out](std::span<const uint8_t> bytes) -> Status {
      out.insert(out.end(), bytes.begin(), bytes.end());
      return {};
    });
    for (const auto& [name, bytes] : sections) EXPECT_TRUE(writer.add(name, bytes).ok());
    EXPECT_TRUE(writer.finish(source).ok());
    return out;
  }
  std::string source;
  std::vector<std::pair<std::string, std::span<const uint8_t>>> sections;

 private:
  base::SectionFile file_;
};

TEST_F(PanelsTest, ThatLieAreRefused) {
  const gguf::File file = write({});
  const Bytes panels = panels_of(file);
  const auto with = [&](const std::function<void(Rewrite&)>& change) {
    Rewrite rewrite(panels);
    change(rewrite);
    return fault(file, rewrite.written());
  };
  EXPECT_EQ(with([](Rewrite&) {}), "");
  const std::string layout =
      with([](Rewrite& to) { to.source.replace(to.source.find("version 1"), 9, "version 0"); });
  EXPECT_NE(layout.find("\"layout: panels of 16 rows, version 0\""), std::string::npos) << layout;
  EXPECT_NE(with([](Rewrite& to) { to.source.clear(); }), "");
  EXPECT_NE(with([](Rewrite& to) { to.source += "and more"; }), "");
  EXPECT_NE(with([](Rewrite& to) { to.sections.pop_back(); }), "");
  const std::string shorter = with([](Rewrite& to) {
    to.sections[0].second = to.sections[0].second.first(to.sections[0].second.size() - 1);
  });
  EXPECT_NE(shorter.find("its panels take"), std::string::npos) << shorter;
  EXPECT_NE(with([](Rewrite& to) { std::swap(to.sections[0].first, to.sections[5].first); }), "");
  EXPECT_NE(with([](Rewrite& to) {
              to.sections.emplace_back("output_norm.weight", to.sections[0].second);
            }),
            "");
}

TEST_F(PanelsTest, ThatAreDamagedAreRefused) {
  const gguf::File file = write({});
  const Bytes panels = panels_of(file);
  for (size_t size = 0; size < panels.size(); size += 1 + panels.size() / 97)
    EXPECT_NE(fault(file, Bytes(panels.begin(), panels.begin() + static_cast<long>(size))), "");
  for (size_t back = 1; back < 600; ++back) {
    Bytes damaged = panels;
    damaged[panels.size() - back] ^= 4;
    EXPECT_NE(fault(file, damaged), "") << back;
  }
  Bytes damaged = panels;
  damaged[panels.size() / 2] ^= 4;  // of a weight: what --check is for
  const std::string path = folder_.file("x.panels", damaged);
  const auto opened = Panels::open(path, file, *backend_);
  ASSERT_TRUE(opened.ok());
  EXPECT_NE(opened->verify().error().message.find("is damaged"), std::string::npos);
}

TEST_F(PanelsTest, AModelThatCannotBeLoadedHasNone) {
  TinyModel tiny;
  tiny.more = {{"blk.0.new.weight", {1, 2}}};
  const gguf::File file = write(tiny);
  const Status written =
      write_panels(file, *backend_, [](std::span<const uint8_t>) { return Status(); });
  EXPECT_EQ(written.error().code, Code::kUnsupported);
}

}  // namespace
}  // namespace handmill::model
