"""Just enough of C++ to judge its style: text without comments and strings, and where functions
are. It reads code that clang-format wrote, which puts a space before the brace of a body and none
before the brace of an initializer."""

import re

# What is not code, first of all what may hold the other's marks.
NOT_CODE = re.compile(
    r'R"(?P<mark>[^()\s\\]{0,16})\(.*?\)(?P=mark)"'
    r"|//[^\n]*|/\*.*?\*/"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'",
    re.DOTALL,
)
SCOPE = re.compile(r"(inline\s+|typedef\s+)*(namespace|class|struct|union|enum)\b|extern\s*$")


def code_only(text):
    """The text with comments, strings and preprocessor lines blanked; line numbers stay."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group())

    text = NOT_CODE.sub(blank, text)
    return re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", blank, text, flags=re.MULTILINE)


def without_template(statement):
    """`statement` without its leading template<...> and access label."""
    statement = statement.strip()
    while re.match(r"template\s*<", statement):
        depth, end = 0, len(statement)
        for i, char in enumerate(statement):
            depth += {"<": 1, ">": -1}.get(char, 0)
            if char == ">" and depth == 0:
                end = i + 1
                break
        statement = statement[end:].strip()
    return re.sub(r"^(public|private|protected)\s*:\s*", "", statement)


def kind_of(statement, outside):
    """What a brace after `statement` opens; `outside`: not inside a function."""
    statement = without_template(statement)
    if not outside:
        return "other"
    if SCOPE.match(statement):
        return "scope"
    return "function" if "(" in statement and not statement.endswith("=") else "other"


def functions(text):
    """(first line, last line) of every function's definition, from its signature to its brace."""
    found, blocks = [], []  # blocks: ("scope" | "function" | "other", line of the signature)
    start, parentheses, line = 0, 0, 1  # start: where the statement before a brace begins
    code = code_only(text)
    for i, char in enumerate(code):
        if char == "\n":
            line += 1
        elif char in "()":
            parentheses += 1 if char == "(" else -1
        elif char == "{":
            statement = code[start:i]
            initializer = parentheses > 0 or (i > 0 and not code[i - 1].isspace())
            outside = all(kind == "scope" for kind, _ in blocks)
            if initializer:
                blocks.append(("initializer", line))
                continue
            kind = kind_of(statement, outside)
            first = line - statement.lstrip().count("\n")
            blocks.append((kind, first))
            start = i + 1
        elif char == "}" and blocks:
            kind, first = blocks.pop()
            if kind == "function":
                found.append((first, line))
            if kind != "initializer":
                start = i + 1
        elif char == ";" and parentheses == 0:
            start = i + 1
    return found
