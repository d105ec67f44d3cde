"""handmill probe: every figure with its source, kept where the machine was quiet.
How fast a machine is, or how quiet, no test can say: only what must hold on all of them.

Environment: HANDMILL_BIN the handmill binary, HANDMILL_REQUIRE_VULKAN: a device must be there.
"""

import json
import os
import re
import subprocess

import pytest

import random_model

pytestmark = pytest.mark.skipif(
    "HANDMILL_BIN" not in os.environ and "HANDMILL_REQUIRE_MODELS" not in os.environ,
    reason="HANDMILL_BIN is not set")

FORMATS = {"q4_0", "q4_1", "q4_k", "q5_k", "q6_k", "q8_0", "f16"}
SOURCES = {"measured", "reported"}
KINDS = {"discrete", "integrated", "virtual", "processor", "other"}


def call(home, *words, **environment):
    env = os.environ | {"HANDMILL_HOME": str(home)} | environment
    return subprocess.run([os.environ["HANDMILL_BIN"], "probe", *words], env=env,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=600)


@pytest.fixture(name="home", scope="module")
def make_home(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    model = home / "models" / "smollm2-135m-instruct-q4_1.gguf"
    model.parent.mkdir()
    random_model.write_random_model(model, "qwen2", ["q4_0"])
    with model.open("ab") as file:
        file.write(bytes(2 << 20))  # long enough for a disk's figure
    return home


@pytest.fixture(name="done", scope="module")
def make_done(home):
    return call(home, "--json")


@pytest.fixture(name="survey", scope="module")
def make_survey(done):
    assert done.returncode in (0, 1) and done.stderr == b"", done.stderr
    return json.loads(done.stdout)


def figures(value, where=""):
    """(where, figure) of everything that has a source, at any depth."""
    if isinstance(value, dict) and "source" in value:
        yield where, value
    elif isinstance(value, dict):
        for key, inside in value.items():
            yield from figures(inside, f"{where}/{key}")
    elif isinstance(value, list):
        for index, inside in enumerate(value):
            yield from figures(inside, f"{where}/{index}")


def test_every_figure_is_above_zero_and_says_its_source(survey):
    found = dict(figures(survey))
    assert len(found) > 20
    for where, figure in found.items():
        assert set(figure) == {"value", "source"} and figure["source"] in SOURCES, where
        may_be_zero = where.endswith(("_used_bytes", "budget_bytes"))
        assert figure["value"] > 0 or may_be_zero, where


def test_reads_are_of_every_number_of_threads_and_the_knee_is_one_of_them(survey):
    threads = [point["threads"] for point in survey["reads"]]
    assert threads[0] == 1 and threads[-1] == survey["threads"] and threads == sorted(set(threads))
    rates = {point["threads"]: point["bytes_s"]["value"] for point in survey["reads"]}
    assert rates[survey["knee_threads"]] >= 0.97 * max(rates.values())
    assert survey["machine"]["read_bytes_s"]["value"] >= max(rates.values())


def test_peaks_are_of_every_instruction_set(survey):
    names = [peak["isa"] for peak in survey["peaks"]]
    assert names[0] == "scalar" and len(names) == len(set(names))


def test_rates_are_of_the_usual_formats(survey):
    machine = survey["machine"]
    assert {rate["format"] for rate in machine["products"]} == FORMATS
    assert {rate["kv"] for rate in machine["attention"]} == {"f16", "q8_0"}
    assert machine["layer_s"]["source"] == "measured"
    assert machine["memory_bytes"]["source"] == "reported"
    assert str(survey["threads"]) in machine["engine"]


def test_a_disk_has_a_figure_or_a_reason(survey, home):
    disk = survey["disk"]
    assert disk["path"].startswith(str(home))
    assert (disk["bytes_s"] is None) == (disk["why_unknown"] is not None)


def test_devices_say_what_they_have_or_lack(survey):
    devices = survey["devices"]
    assert devices or "HANDMILL_REQUIRE_VULKAN" not in os.environ
    assert survey["why_no_devices"] is None
    for index, device in enumerate(devices):
        assert device["index"] == index and device["name"] and device["kind"] in KINDS
        assert (device["why_unmeasured"] is None) == (device["missing"] is None)
        if device["missing"]:
            continue
        (heap,) = [heap for heap in device["heaps"] if heap["main"]]
        assert heap["device_local"] and heap["bytes"]["value"] > 0 and device["subgroup_size"] > 0
        missing = {name for name, figure in device["figures"].items() if figure is None}
        assert missing == (set() if device["features"]["float16"] else {"f16_ops_s"})


def test_figures_of_devices_are_kept_with_the_machines(survey):
    kept = {(rates["name"], rates["driver"]) for rates in survey["machine"].get("devices", [])}
    assert kept == {(device["name"], device["driver"]) for device in survey["devices"]
                    if device["why_unmeasured"] is None}
    assert "devices" not in survey["machine"] or kept


# No driver; and a loader that is none, as where libvulkan1 is not installed.
@pytest.mark.parametrize("absent", ["driver", "loader"])
def test_without_vulkan_nothing_is_said_of_it(home, tmp_path, absent):
    nothing = {"VK_DRIVER_FILES": "/nonexistent", "VK_ICD_FILENAMES": "/nonexistent"}
    if absent == "loader":
        for name in ("libvulkan.so.1", "libvulkan.so"):
            (tmp_path / name).write_text("no library\n")
        nothing = {"LD_LIBRARY_PATH": str(tmp_path)}
    done = call(home, "--json", "-t", "1", **nothing)
    assert done.returncode in (0, 1) and done.stderr == b"", done.stderr
    survey = json.loads(done.stdout)
    assert survey["devices"] == [] and survey["why_no_devices"] is None
    assert "devices" not in survey["machine"] and len(dict(figures(survey))) > 20


def test_figures_are_kept_unless_they_are_refused(done, survey):
    reasons = survey["noise"]["refusals"]
    assert survey["refused"] == bool(reasons)
    assert done.returncode == (1 if reasons else 0)
    if reasons:
        assert survey["kept"] is None
        return
    with open(survey["kept"], encoding="utf-8") as file:
        assert json.load(file) == survey["machine"]


def test_noise_has_thresholds_that_the_help_names(survey, home):
    noise = survey["noise"]
    assert noise["seconds"] > 0 and 0 <= noise["read_spread"] < 1 and 0 <= noise["int8_spread"] < 1
    loud = ((noise["stolen"] or 0) > 0.05 or (noise["throttled"] or 0) > 0.02
            or (noise["crowded"] or 0) > 0.15
            or max(noise["read_spread"], noise["int8_spread"]) > 0.2)
    assert loud == survey["refused"]
    text = call(home, "--help").stdout.decode()
    for limit in ("5 % were stolen", "2 % throttled", "15 % of our threads", "above 20 %"):
        assert limit in " ".join(text.split())


def test_one_thread_as_a_table(home, survey):
    done = call(home, "-t", "1")
    text = done.stdout.decode()
    assert done.returncode in (0, 1) and not done.stderr
    for name in ("processor", "knee", "scalar", "disk", "q4_k", "attention q8_0", "stolen"):
        assert re.search(rf"^  {name} .*(measured|reported|unknown)$", text, re.MULTILINE), name
    assert "read, 1 thr." in text and "read, 2 thr." not in text
    assert ("kept in " in text) == (done.returncode == 0)
    assert ("refused: " in text) == (done.returncode == 1)
    assert re.findall(r"^Vulkan device (\d+)$", text, re.MULTILINE) == [
        str(device["index"]) for device in survey["devices"]]
    for device in survey["devices"]:
        assert re.search(rf"^  name +{re.escape(device['name'])} +reported$", text, re.MULTILINE)
        for name in () if device["missing"] else ("subgroup", "upload", "download", "submit"):
            assert re.search(rf"^  {name} .*(measured|reported)$", text, re.MULTILINE), name


def test_another_instruction_set_is_another_machine(home):
    done = call(home, "--json", "-t", "1", HANDMILL_CPU="scalar")
    survey = json.loads(done.stdout)
    assert survey["machine"]["engine"] == "scalar, 1 thread"
    assert survey["kept"] is None or survey["kept"].endswith("-1-thread-scalar.json")


def test_mistakes_in_the_arguments(home):
    assert call(home, "-t", "-1").returncode == 2
    assert call(home, "model").returncode == 2
    assert call(home, "--json", HANDMILL_CPU="z80").returncode == 1
