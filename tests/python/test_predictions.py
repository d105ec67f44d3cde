"""bench/predictions on a stand-in whose predictions and speeds the test sets."""

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

TOOL = Path(__file__).parents[2] / "bench" / "predictions"

# Reads 100 bytes a second and does 1000 operations when probed; a run's roofs are half of that, or
# what the test says.
STAND_IN = """#!{python}
import json, sys
words = sys.argv[1:]
def figure(value): return {{"value": value, "source": "measured"}}
machine = {{"read_bytes_s": figure(100.0), "ops_s": figure(1000.0)}}
def phase(memory, ops, layers):
    return {{"seconds": memory + ops + layers, "memory_s": memory, "ops_s": ops,
             "layers_s": layers}}
if words[0] == "--version":
    print("handmill stand-in")
elif words[0] == "probe":
    print(json.dumps(machine))
elif words[0] == "explain":
    print(json.dumps({{"machine": machine, "depths": [
        {{"depth": 0, "decode": phase(0.8, 0.0, 0.2), "prefill": phase(0.0, 4.0, 1.0)}}]}}))
elif words[0] == "bench" and "broken" in words[1]:
    sys.exit("no such file")
else:
    roofs = {{"read_bytes_s": {{"median": 50.0}}, "int8_ops_s": {{"median": 500.0}}}}
    def run(test, speed):
        return {{"test": test, "depth": 0, "roofs": roofs, "tok_s": {{"median": speed}}}}
    print(json.dumps([run("pp100", 10.0), run("tg8", 0.5)]))
"""


def run_tool(folder, *words):
    program = folder / "stand-in"
    program.write_text(STAND_IN.format(python=sys.executable), encoding="utf-8")
    os.chmod(program, 0o755)
    command = [sys.executable, TOOL, "--handmill", program, "-p", "100", "-n", "8", "-r", "1"]
    return subprocess.run([*command, *words], capture_output=True, text=True, check=False,
                          timeout=120)


def test_errors_are_of_the_time_and_by_the_roofs(tmp_path):
    out, plot = tmp_path / "out.json", tmp_path / "out.svg"
    result = run_tool(tmp_path, "model.gguf", "--rounds", "2", "--json", out, "--svg", plot)
    assert result.returncode == 0, result.stderr
    # Decode: 1 token/s predicted, by half the roofs 1 / (2 · 0.8 + 0.2), 0.5 measured.
    assert "| model | f16 | decode | 0 | 0.500 | 1.00 | −50 % | 0.556 | −10 % |" in result.stdout
    # Prefill: 100 / 5 predicted, by half the roofs 100 / (2 · 4 + 1), 10 measured.
    assert "| model | f16 | prefill | 0 | 10.0 | 20.0 | −50 % | 11.1 | −10 % |" in result.stdout
    assert "| both | 2 | 50.0 % | 50 % | 10.0 % | 10 % |" in result.stdout
    kept = json.loads(out.read_text(encoding="utf-8"))
    assert [len(point["measured"]) for point in kept["points"]] == [2, 2]
    circles = [tag for tag in ElementTree.parse(plot).iter() if tag.tag.endswith("circle")]
    assert len(circles) == 2 + 2  # and the key


def test_a_run_that_fails_is_told(tmp_path):
    result = run_tool(tmp_path, "broken.gguf")
    assert result.returncode == 1
    assert "no such file" in result.stderr
