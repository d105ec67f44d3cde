"""The handmill binary in a home of its own, for tests that call it as a script would.

Environment: HANDMILL_BIN the handmill binary, HANDMILL_MODELS the folder of the two real models.
"""

import json
import os
import re
import subprocess

import pytest

needed = pytest.mark.skipif(
    not {"HANDMILL_BIN", "HANDMILL_MODELS"} <= os.environ.keys()
    and "HANDMILL_REQUIRE_MODELS" not in os.environ,
    reason="HANDMILL_BIN and HANDMILL_MODELS are not set")


def home_in(folder):
    """With the real models."""
    (folder / "models").symlink_to(os.environ["HANDMILL_MODELS"])
    return folder


def caller(home):
    """call(*words, stdin=b"", **environment): the finished process."""
    def call(*words, stdin=b"", **environment):
        env = os.environ | {"HANDMILL_HOME": str(home), "NO_COLOR": ""} | environment
        return subprocess.run([os.environ["HANDMILL_BIN"], *map(str, words)], input=stdin, env=env,
                              capture_output=True, timeout=600, check=False)
    return call


def keep_measured(call, home):
    """Has this machine's figures kept, however busy it is, and tells (figures, their file)."""
    machine = json.loads(call("probe", "--json").stdout)["machine"]
    isa = machine["engine"].split(",")[0]
    name = re.sub("[^a-z0-9]+", "-", machine["name"].lower()).strip("-")
    path = home / "machines" / f"{name}-{isa}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(machine), encoding="utf-8")
    return machine, path


def vulkan_device(call):
    """The name of a device that will do. Without one the test is skipped, or fails where
    HANDMILL_REQUIRE_VULKAN is set."""
    # It fails where the machine is too busy for its figures; the devices are told all the same.
    for device in json.loads(call("probe", "--json").stdout)["devices"]:
        if not device["missing"]:
            return device["name"]
    assert "HANDMILL_REQUIRE_VULKAN" not in os.environ, "there is no Vulkan device"
    return pytest.skip("there is no Vulkan device")
