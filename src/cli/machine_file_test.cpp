#include "cli/machine_file.h"

#include <cstdlib>
#include <filesystem>
#include <gtest/gtest.h>

#include "base/temp_folder.h"
#include "measure/survey.h"
#include "probe/machine.h"

namespace handmill::cli {
namespace {

namespace fs = std::filesystem;

class MachineFile : public ::testing::Test {
 protected:
  MachineFile() {
    ::setenv("HANDMILL_HOME", home_.path().c_str(), 1);
    const auto system = probe::read_machine();
    machine_.name = measure::machine_name(*system, system->threads_best());
    machine_.engine = measure::engine_name(*system, system->threads_best());
    machine_.ops_s = {5e11, measure::Source::kMeasured};
  }
  ~MachineFile() override { ::unsetenv("HANDMILL_HOME"); }
  base::TempFolder home_;
  measure::Machine machine_;
};

TEST_F(MachineFile, IsThereOnceItIsKept) {
  EXPECT_EQ(*kept_machine(), std::nullopt);
  ASSERT_TRUE(keep_machine(machine_).ok());
  EXPECT_EQ(*kept_machine(), machine_);
  machine_.ops_s.value = 6e11;
  ASSERT_TRUE(keep_machine(machine_).ok());
  EXPECT_EQ((*kept_machine())->ops_s.value, 6e11);
  const fs::path folder = home_ / "machines";
  EXPECT_EQ(std::distance(fs::directory_iterator(folder), fs::directory_iterator()), 1);
}

TEST_F(MachineFile, IsOfOneNumberOfThreads) {
  ASSERT_TRUE(keep_machine(machine_).ok());
  EXPECT_EQ(*kept_machine(4000), std::nullopt);
}

TEST_F(MachineFile, OfAnotherNameUnderTheSamePathIsNotOurs) {
  const std::string path = machine_path(machine_);
  machine_.name += "!";
  ASSERT_EQ(machine_path(machine_), path);
  ASSERT_TRUE(keep_machine(machine_).ok());
  EXPECT_EQ(*kept_machine(), std::nullopt);
}

TEST_F(MachineFile, ThatIsDamagedIsNamed) {
  ASSERT_TRUE(keep_machine(machine_).ok());
  const std::string path = machine_path(machine_);
  fs::resize_file(path, 10);
  const auto kept = kept_machine();
  ASSERT_FALSE(kept.ok());
  EXPECT_NE(kept.error().message.find(path), std::string::npos) << kept.error().message;
}

TEST_F(MachineFile, PathsAreMadeOfPlainLetters) {
  measure::Machine machine;
  machine.name = "AMD EPYC(tm) 9654 ../\xC3\xA4, 2 threads";
  machine.engine = "avx512vnni, 2 threads";
  EXPECT_EQ(machine_path(machine), home_ / "machines/amd-epyc-tm-9654-2-threads-avx512vnni.json");
}

TEST_F(MachineFile, AHomeThatTakesNoFolderIsAnError) {
  home_.file("machines", "x");
  EXPECT_EQ(keep_machine(machine_).error().code, Code::kIo);
}

}  // namespace
}  // namespace handmill::cli
