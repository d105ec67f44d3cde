"""Holds the tree against the project's rules of layering and style; prints what breaks them.

The rooms and what each may include are read from the table in docs/ARCHITECTURE.md, so page and
code cannot drift apart. Every rule is a function from one file to its faults; test_tidy.py shows
for each that it can fail."""

import ast
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from cxx import code_only, functions

MAX_LINES, MAX_FUNCTION_LINES, MAX_COLUMNS = 400, 60, 100

# (path, rule): why. An exception that nothing needs any more is itself a fault.
EXCEPTIONS = {}

FOLDERS = ("src", "tests", "scripts", "docs", "cmake", ".ci")
CXX = {".cpp", ".h", ".inl"}
GENERATED = ".inc"  # tables that a program wrote: only their first line is judged
CODE = CXX | {".py", ".sh", ""}
DATA = {".json", ".gguf", ".npy", ".bin"}


@dataclass
class File:
    path: str  # from the root, with slashes
    text: str

    @property
    def suffix(self):
        return Path(self.path).suffix

    @property
    def lines(self):
        return self.text.removesuffix("\n").split("\n")  # splitlines() breaks at form feeds too

    @property
    def room(self):
        parts = self.path.split("/")
        return parts[1] if parts[0] == "src" and len(parts) > 2 else None

    @property
    def includes(self):
        """(line number, name, whether in quotes) of every #include."""
        for number, line in enumerate(self.lines, 1):
            match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
            if match and self.suffix in CXX:
                yield number, match[2], match[1] == '"'


def read_rooms(architecture):
    """{room: the rooms that it may include}, from the page's table; a room may include what those
    below it may."""
    rows = re.findall(r"^\| `?(\w+)/`? \|[^|\n]*\|([^|\n]*)\|$", architecture, re.MULTILINE)
    rooms = {}
    for room, may in rows:
        direct = [word for word in re.findall(r"\w+", may) if word != "nothing"]
        if direct == ["everything"]:
            direct = list(rooms)
        unknown = set(direct) - set(rooms)
        if unknown:
            raise ValueError(f"{room} may include {unknown}, not drawn above it")
        rooms[room] = set(direct).union(*(rooms[below] for below in direct))
    return rooms


def layering(file, rooms):
    if file.room and file.room not in rooms:
        yield 1, f"room {file.room} is not in docs/ARCHITECTURE.md"
        return
    for number, name, quoted in file.includes:
        target = name.split("/")[0]
        if quoted and file.room and (target not in rooms or "/" not in name):
            yield number, f'"{name}" is not of the form "room/file.h"'
        elif quoted and file.room and target != file.room and target not in rooms[file.room]:
            yield number, f"{file.room} may not include {target}"
    for needs in re.findall(r"handmill_room\(\w+ NEEDS ([a-z ]+?)(?: LIBRARIES|\))", file.text):
        for target in set(needs.split()) - rooms.get(file.room, set()) if file.room else ():
            yield 1, f"{file.room} may not need {target}"


def special_headers(file, _):
    for number, name, _ in file.includes:
        if re.search(r"intrin\.h$|arm_neon\.h$", name):
            if not file.path.startswith("src/backend/cpu/kernels/"):
                yield number, f"<{name}> belongs to backend/cpu/kernels alone"
        if re.match(r"boost/(asio|beast)\b", name):
            if not (file.room == "serve" and file.suffix == ".cpp"):
                yield number, f"<{name}> belongs to serve's .cpp files alone"
        if name.startswith("curl/") and not (file.room == "net" and file.suffix == ".cpp"):
            yield number, f"<{name}> belongs to net's .cpp files alone"
        if re.match(r"vulkan/|volk", name) and not file.path.startswith("src/backend/vulkan/"):
            yield number, f"<{name}> belongs to backend/vulkan alone"


def file_size(file, _):
    if file.suffix in CODE and len(file.lines) > MAX_LINES:
        yield MAX_LINES + 1, f"{len(file.lines)} lines; at most {MAX_LINES}"


def columns(file, _):
    for number, line in enumerate(file.lines, 1):
        if file.suffix in CODE and len(line) > MAX_COLUMNS:
            yield number, f"{len(line)} columns; at most {MAX_COLUMNS}"


def function_size(file, _):
    found = []
    if file.suffix in CXX:
        found = functions(file.text)
    elif file.suffix == ".py":
        nodes = ast.walk(ast.parse(file.text))
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
        found = [(node.lineno, node.end_lineno) for node in nodes if isinstance(node, kinds)]
    for first, last in found:
        if last - first + 1 > MAX_FUNCTION_LINES:
            yield first, f"a function of {last - first + 1} lines; at most {MAX_FUNCTION_LINES}"


def pragma_once(file, _):
    if file.suffix == ".h" and not re.search(r"^#pragma once$", file.text, re.MULTILINE):
        yield 1, "no #pragma once"


def file_comment(file, _):
    first = file.lines[0] if file.lines else ""
    stem = re.sub(r"_test$", "", Path(file.path).stem)
    described_by_header = re.match(rf'#include "(\w+/)+{stem}\.h"$', first)
    if file.suffix in CXX and not re.match(r"// \S", first) and not described_by_header:
        yield 1, "no comment that says what the file owns"
    if file.suffix == GENERATED and not re.match(r"// Generated by \S+", first):
        yield 1, "no comment that says what generated the file"
    if file.suffix in {".py", ".sh", ""} and not re.match(r'#|"""', first):
        yield 1, "no comment that says what the file is for"


def unfinished(file, _):
    for number, line in enumerate(file.lines, 1):
        if re.search(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b", line):
            yield number, "unfinished business; finish it, or write an issue"


def empty_names(file, _):
    """Names that tell nothing; those of Vulkan's own interface are not ours to choose."""
    word = (r"(?<![A-Za-z0-9])(?![Vv]k[A-Z])[A-Za-z0-9]*(?:Manager|Helper|Utils?)(?![a-z])\w*"
            r"|\b(?:\w+_)?(?:manager|helper|utils?)\b")
    if re.search(word, Path(file.path).stem):
        yield 1, f"{file.path} is named after nothing"
    if file.suffix in CXX:
        for number, line in enumerate(code_only(file.text).split("\n"), 1):
            for match in re.finditer(word, line):
                yield number, f"{match[0]} is named after nothing"


def file_name(file, _):
    name = Path(file.path).name
    if file.suffix in CXX | {".py", ".sh", GENERATED} and not re.fullmatch(r"[a-z0-9_.]+", name):
        yield 1, "the name is not snake_case"


def one_machine(file, _):
    """Paths and addresses that mean something on one machine only, or to one developer."""
    marks = r"/wor[k]/|/home/(?!\$)\w+/|(?<![\w/])share[d]/(research|golden|tools|design)"
    for number, line in enumerate(file.lines, 1):
        match = re.search(marks, line)
        if match:
            yield number, f"{match[0]} is not on every machine"


RULES = (layering, special_headers, file_size, columns, function_size, pragma_once, file_comment,
         unfinished, empty_names, file_name, one_machine)


def faults(file, rooms):
    """("path:line: fault", rule name) of one file."""
    for rule in RULES:
        if file.suffix == GENERATED and rule not in (file_comment, file_name, unfinished):
            continue
        for line, fault in rule(file, rooms):
            yield f"{file.path}:{line}: {fault}", rule.__name__


def tree(root):
    """The files to judge: those of the known folders, and the scripts and pages at the root."""
    paths = [path for path in root.iterdir() if path.is_file() and path.name != "LICENSE"]
    for folder in FOLDERS:
        paths += [path for path in (root / folder).rglob("*") if path.is_file()]
    for path in sorted(paths):
        if path.suffix in DATA | {".pyc"} or path.name.startswith("."):
            continue
        yield File(path.relative_to(root).as_posix(), path.read_text(encoding="utf-8"))


def judge(files, rooms, exceptions):
    used, found = set(), []
    for file in files:
        for fault, rule in faults(file, rooms):
            if (file.path, rule) in exceptions:
                used.add((file.path, rule))
            else:
                found.append(f"{fault} [{rule}]")
    found += [f"{path}: the exception from {rule} is not needed any more"
              for path, rule in set(exceptions) - used]
    return found


def main():
    root = Path(__file__).resolve().parents[2]
    rooms = read_rooms((root / "docs/ARCHITECTURE.md").read_text(encoding="utf-8"))
    found = judge(tree(root), rooms, EXCEPTIONS)
    print("\n".join(found) or "tidy")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
