"""Two programs that print what handmill and llama.cpp print, at speeds that a test sets for each
round, and bench/compare run on them."""

import json
import subprocess
import sys
from pathlib import Path

COMPARE = Path(__file__).resolve().parents[2] / "bench/compare"

# What both stand-ins begin with: `plan` is the test's, `flag` an argument's value. A speed is the
# next of a list that the plan has under the program's name and the test's.
COMMON = r'''
import json, os, sys, time
folder = os.path.dirname(os.path.abspath(__file__))
name = os.path.basename(__file__)
plan = json.load(open(f"{folder}/plan.json"))
words = sys.argv[1:]

def flag(short):
    return words[words.index(short) + 1]

def numbers(short):
    return [int(word) for word in flag(short).split(",")]

def next_speed(test):
    speeds = plan["speeds"].get(f"{name} {test}", [100])
    path = f"{folder}/count {name} {test}"
    count = os.path.getsize(path) if os.path.exists(path) else 0
    open(path, "a").write(".")
    speed = speeds[count % len(speeds)]
    if speed == "hang":
        hang()
    return speed

def hang():
    open(f"{folder}/pid", "w").write(str(os.getpid()))
    time.sleep(600)

if "--version" not in words:
    open(f"{folder}/calls", "a").write(json.dumps([name, *words]) + "\n")
    keys = [f"{name} {' '.join(words[:count])}".strip() for count in (2, 1, 0)]
    told = next((plan["instead"][key] for key in keys if key in plan.get("instead", {})), None)
    if told == "fail":
        print("a first line\nthe model is broken", file=sys.stderr)
        sys.exit(3)
    if told == "hang":
        hang()
    if told is not None:
        print(told)
        sys.exit(0)
'''

HANDMILL = COMMON + r'''
if words[0] == "--version":
    print("handmill 9.8.7")
elif words[0] == "run":
    memory = bytearray(b"x" * plan.get("handmill_bytes", 1))
    if "json" in words:
        tokens = len(words[2].split()) + plan.get("tokens_before", 0)
        print(json.dumps({"model": "m", "text": " the", "finish": "length", "prompt_tokens": tokens,
                          "backend": "cpu, fake, 3 threads", "threads": 3, "timings": {}}))
    else:
        time.sleep(plan.get("handmill_start_s", 0))
        print(" the", flush=True)
        time.sleep(plan.get("handmill_end_s", 0))
elif words[0] == "bench":
    def roofs(speed):
        if "roofs" not in plan:
            return {}
        parts = {f"of_{name}_roof": {"median": speed / tok_s}
                 for name, tok_s in plan["roofs"].items()}
        return {"roofs": {"read_bytes_s": {"median": 2e10}, "int8_ops_s": {"median": 4e11}},
                "bound": min(plan["roofs"], key=plan["roofs"].get), **parts}
    rows = []
    for depth in numbers("-d"):
        for batch in numbers("--batch"):
            tests = [f"pp{n}" for n in numbers("-p") if n] + [f"tg{n}" for n in numbers("-n") if n]
            for test in tests:
                speed = next_speed(f"{test} {depth} {batch}")
                rows.append({"test": test, "depth": depth, "threads": 3, "tok_s": {
                    "median": speed, "low": speed, "high": speed}, "batch": batch, "kv": "f16",
                    "model": "m", "backend": "cpu, fake, 3 threads", "repeats": 1,
                    "version": "9.8.7", **roofs(speed)})
    print(json.dumps(rows))
'''

PEER = COMMON + r'''
if "--version" in words:
    if plan.get("old"):
        sys.exit("error: invalid parameter for argument: --version")
    print("version: 1.2.3 (build 7, commit abc)\nbuilt with GNU 12.2.0", file=sys.stderr)
elif name == "llama-bench":
    rows = []
    for depth in numbers("-d") if "-d" in words else [0]:
        for pp, tg in [(n, 0) for n in numbers("-p") if n] + [(0, n) for n in numbers("-n") if n]:
            test = f"pp{pp} {depth} 1" if pp else f"tg{tg} {depth} 1"
            speeds = [next_speed(test) for _ in range(int(flag("-r")))]
            rows.append({"build_commit": "abc", "build_number": 7, "n_threads": int(flag("-t")),
                         "type_k": flag("-ctk"), "type_v": flag("-ctv"), "n_prompt": pp,
                         "n_gen": tg, "n_depth": depth, "samples_ts": speeds})
    print(json.dumps(rows, indent=2))
elif name == "llama-batched-bench":
    assert flag("--output-format") == "jsonl"
    for batch in numbers("-npl"):
        pp, tg = int(flag("-npp")), int(flag("-ntg"))
        assert (pp + tg) * batch <= int(flag("-c"))
        print('{"n_kv_max": %s, "pp": %d, "tg": %d, "pl": %d, "speed_pp": %f, "speed_tg": %f}\n'
              % (flag("-c"), pp, tg, batch, next_speed(f"pp{pp} {batch}"),
                 next_speed(f"tg{tg} {batch}")))
elif name == "llama-completion":
    time.sleep(plan.get("peer_start_s", 0))
    print(" the\n")
'''


class Bench:
    def __init__(self, folder):
        self.folder = folder
        self.plan = {"speeds": {}}
        for name in ("handmill", "llama-bench", "llama-batched-bench", "llama-completion"):
            path = folder / name
            body = HANDMILL if name == "handmill" else PEER
            path.write_text(f"#!{sys.executable}\n{body}")
            path.chmod(0o755)
        self.model = folder / "a & <b>|c.gguf"
        self.model.touch()

    def command(self, *words, files=None):
        (self.folder / "plan.json").write_text(json.dumps(self.plan))
        return [sys.executable, COMPARE, "--handmill", self.folder / "handmill", "--peer",
                self.folder, *(files or [self.model]), *map(str, words)]

    def run(self, *words, files=None):
        return subprocess.run(self.command(*words, files=files), capture_output=True, text=True,
                              timeout=60)

    def rows(self, *words, files=None):
        """The rows of the JSON file, by test."""
        done = self.run(*words, "--json", self.folder / "out.json", files=files)
        assert done.returncode == 0, done.stderr
        rows = json.loads((self.folder / "out.json").read_text())["rows"]
        return {row["test"]: row for row in rows}

    def calls(self):
        lines = (self.folder / "calls").read_text().splitlines()
        return [json.loads(line) for line in lines]

    def files(self):
        return {path.name for path in self.folder.iterdir()}
