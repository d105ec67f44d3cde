#!/usr/bin/env python3
"""Reads source files with clang for its warnings, without making anything of them.

clang_warnings.py BUILD ROOM...: every file of src/ROOM, with the options that BUILD (a folder that
CMake configured for clang) would compile it with. Exits with 1 where a file has a warning.
"""
import json
import os
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path


def read(entry):
    options = entry["command"].split(" -o ")[0]
    return subprocess.run(f"{options} -fsyntax-only {shlex.quote(entry['file'])}", shell=True,
                          cwd=entry["directory"]).returncode


def main():
    build, rooms = Path(sys.argv[1]), sys.argv[2:]
    entries = [entry for entry in json.loads((build / "compile_commands.json").read_text())
               if any(f"/src/{room}/" in entry["file"] for room in rooms)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        bad = sum(code != 0 for code in pool.map(read, entries))
    print(f"{len(entries)} files read, {bad} with warnings")
    return 1 if bad or not entries else 0


if __name__ == "__main__":
    sys.exit(main())
