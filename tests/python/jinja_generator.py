"""Random templates from a seeded grammar: expressions of every kind, filters, tests, methods, loops, sets, macros."""

import random

CONTEXT = {
    "messages": [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Grüße, 世界! <|im_start|> it's \"ok\"\n\tindent\n\nend"},
        {"role": "assistant", "content": "", "tool_calls": [
            {"id": "abc123def", "type": "function", "function": {"name": "f", "arguments": {"x": 1, "y": [1.5, None, True]}}}]},
        {"role": "tool", "content": "42", "tool_call_id": "abc123def"},
    ],
    "tools": [{"type": "function", "function": {"name": "get", "description": "a \"tool\"", "parameters": {"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]}}}],
    "n": 7, "k": -3, "f": 2.5, "big": 12345678901234567890, "zero": 0, "yes": True, "no": False, "nil": None,
    "s": "Hello, World", "t": "straße ΑΣ ǅ", "e": "", "w": "  a b\tc \n", "digits": " 42 ", "html": "<a href='x'>&</a>",
    "xs": [3, 1, 2], "ys": ["b", "A", "c", "a", "B"], "mixed": [1, "a", None, 2.0, True, [1, 2], {"k": "v"}],
    "nested": [[1, [2, 3]], [4]], "empty": [], "d": {"b": 1, "A": 2, "c": [1]}, "none_d": {},
    "users": [{"name": "Zoë", "age": 30, "tags": ["x", "y"]}, {"name": "adam", "age": 25, "tags": []},
              {"name": "Bob", "age": 30}],
}
NAMES = [n for n in CONTEXT if n not in ("messages", "tools")] + ["messages", "tools", "missing"]
NUMBERS = ["n", "k", "f", "zero", "yes", "1", "2", "0", "-1", "3.5", "10", "1e3", "0x1f", "1_000", "big"]
STRINGS = ["s", "t", "e", "w", "digits", "html", "'a'", '"b c"', "'it\\'s'", "'\\n'", "'\\u00e9x'", "'%s-%s'", "'{} {}'", "', '"]
LISTS = ["xs", "ys", "mixed", "nested", "empty", "users", "messages", "d", "s", "[1, 2, 3]", "(1, 2)", "range(4)", "d.items()", "[]",
         "['x', 'yy', 'zzz']", "d.keys()", "d.values()"]
DICTS = ["d", "none_d", "users[0]", "messages[2]", "{'a': 1, 'b': [2]}", "{1: 'x', 1.0: 'y', none: 2}", "tools[0]", "dict(a=1, b='z')"]


class Generator:
    def __init__(self, seed):
        self.r = random.Random(seed)
        self.depth = 0
        self.in_loop = 0
        self.names = list(NAMES)
        self.macros = []

    def pick(self, options):
        return self.r.choice(options)

    NUMBER_FILTERS = ["length", "int", "float", "abs", "round", "count", "int(5)", "round(1)", "sum", "round(1, 'ceil')",
                      "round(1, 'floor')", "wordcount", "round(-1)", "float(1.5)", "int(0, 16)"]

    def number(self):
        r = self.r.random()
        if self.depth > 3 or r < 0.5:
            return self.pick(NUMBERS)
        self.depth += 1
        try:
            if r < 0.75:
                return f"({self.number()} {self.pick(['+', '-', '*', '//', '%', '/'])} {self.number()})"
            if r < 0.77:
                return f"({self.number()} ** {self.pick(['2', '0', '-1', '0.5', '3'])})"
            if r < 0.8:
                return f"{self.pick(['-', '+'])}{self.number()}"
            if r < 0.95:
                return f"({self.any()})|{self.pick(self.NUMBER_FILTERS)}"
            return f"{self.string()}.{self.pick(['find', 'count', 'rfind', 'index'])}({self.string()})"
        finally:
            self.depth -= 1

    STRING_FILTERS = ["upper", "lower", "title", "capitalize", "trim", "string", "replace('l', 'L')", "replace('', '-', 3)", "center(20)", "indent",
                      "indent(2, true)", "indent(width='>>', blank=true)", "truncate(8)", "truncate(9, true)", "truncate(7, false, '!', 0)", "e", "escape",
                      "safe", "urlencode", "striptags", "forceescape", "first", "last", "reverse", "list", "default('dflt')", "d('x', true)", "length",
                      "wordcount", "trim('H ')", "join('.')", "tojson", "format('x', 'y')", "format(1, 2)", "sort", "unique|list", "batch(3)|list", "int", "float"]
    STRING_METHODS = ["upper()", "lower()", "title()", "capitalize()", "swapcase()", "casefold()", "strip()", "lstrip()", "rstrip()", "strip('Hd ')",
                      "lstrip('\\n')", "split()", "split(',')", "split(',', 1)", "rsplit(' ', 1)", "split(' ')[-1]", "split('l')[0]", "splitlines()",
                      "splitlines(true)", "replace('o', '0')", "replace('l', 'LL', 1)", "replace('', '.')", "startswith('He')", "endswith(('ld', 'x'))",
                      "startswith('l', 2)", "find('o')", "rfind('o')", "find('o', 5)", "count('l')", "index('W')", "join(['a', 'b'])", "join(ys)",
                      "partition(', ')", "rpartition('o')", "removeprefix('He')", "removesuffix('ld')", "isdigit()", "isalpha()", "isspace()", "isupper()",
                      "islower()", "istitle()", "isalnum()", "isnumeric()", "isdecimal()", "isidentifier()", "isascii()", "isprintable()", "center(21, '*')",
                      "ljust(15)", "rjust(15, '.')", "zfill(14)", "expandtabs(4)", "format(1, 'z')", "split(none, 1)", "rsplit()", "rsplit(none, 1)",
                      "nothing()", "nothing", "encode", "split('')", "split(maxsplit=1)", "split(sep=',')"]

    def string(self):
        r = self.r.random()
        if self.depth > 3 or r < 0.4:
            return self.pick(STRINGS)
        self.depth += 1
        try:
            if r < 0.55:
                return f"({self.string()} {self.pick(['+', '~', '~', '%', '*'])} {self.pick([self.string, self.any])()})"
            if r < 0.7:
                return f"({self.pick([self.string, self.any])()})|{self.pick(self.STRING_FILTERS)}"
            if r < 0.9:
                return f"{self.string_atom()}.{self.pick(self.STRING_METHODS)}"
            return f"{self.string_atom()}[{self.slice()}]"
        finally:
            self.depth -= 1

    def string_atom(self):
        return self.pick(STRINGS) if self.r.random() < 0.7 else f"({self.string()})"

    def slice(self):
        def bound():
            return self.pick(["", "", "1", "-1", "2", "-2", "100", "-100", "0", "none"])
        r = self.r.random()
        if r < 0.3:
            return self.pick(["0", "-1", "1", "100", "'x'", "none", "true", "1.0"])
        if r < 0.6:
            return f"{bound()}:{bound()}"
        return f"{bound()}:{bound()}:{self.pick(['', '-1', '2', '-2', '1', '0' if self.r.random() < 0.2 else '3'])}"

    LIST_FILTERS = ["list", "length", "first", "last", "join", "join(', ')", "join('-', attribute='name')", "reverse|list", "sort", "sort(reverse=true)",
                    "sort(attribute='name')", "sort(attribute='age,name')", "sort(case_sensitive=true)", "unique|list", "unique(attribute='age')|list", "min", "max", "sum",
                    "sum(attribute='age')", "map('upper')|list", "map(attribute='name')|list", "map(attribute='tags', default='-')|list",
                    "map(attribute='tags.0')|list", "map('string')|join('|')", "select|list", "reject|list", "select('string')|list", "select('odd')|list",
                    "reject('none')|list", "selectattr('age')|list", "selectattr('age', 'gt', 26)|list", "selectattr('name', '==', 'Bob')|list",
                    "rejectattr('tags', 'defined')|list", "selectattr('role', 'equalto', 'user')|map(attribute='content')|list", "groupby('age')|list",
                    "groupby('name')", "groupby('nope', default='q')", "batch(2)|list", "batch(2, 'f')|list", "slice(2)|list", "slice(3, 0)|list", "tojson",
                    "tojson(indent=2)", "tojson(sort_keys=true)", "tojson(separators=(',', ':'))", "tojson(ensure_ascii=true)", "string", "default([])", "map('abs')|list",
                    "map('replace', 'a', 'b')|list", "map('default', 'z')|list", "dictsort", "dictsort(false, 'value')", "items|list", "random_nope", "map('length')|list", "max(attribute='age')",
                    "min(case_sensitive=true)", "pprint_nope", "map('tojson')|join(',')", "map('first')|list", "xmlattr", "select('in', [1, 'a'])|list", "reject('mapping')|list"]

    def list(self):
        r = self.r.random()
        if self.depth > 3 or r < 0.4:
            return self.pick(LISTS)
        self.depth += 1
        try:
            if r < 0.55:
                return f"[{', '.join(self.any() for _ in range(self.r.randrange(4)))}]"
            if r < 0.8:
                return f"({self.list()})|{self.pick(self.LIST_FILTERS)}"
            if r < 0.9:
                return f"({self.list()})[{self.slice()}]"
            if r < 0.95:
                return f"({self.list()} + {self.list()})"
            return f"({', '.join(self.any() for _ in range(2))})"
        finally:
            self.depth -= 1

    def dict(self):
        r = self.r.random()
        if self.depth > 3 or r < 0.6:
            return self.pick(DICTS)
        self.depth += 1
        try:
            items = ", ".join(f"{self.pick([self.string, self.number])()}: {self.any()}" for _ in range(self.r.randrange(3)))
            return "{" + items + "}"
        finally:
            self.depth -= 1

    DICT_ACCESS = [".items()|list", ".keys()|list", ".values()|list", ".get('a')", ".get('zz', 'q')", "['b']", ".b", ".nope", "|length", "|items|list",
                   "|tojson", "|dictsort", "|list", ".copy()", ".update({})", "|tojson(indent=4)", ".items()", ".keys()", "|xmlattr", "|string", ".name", ".nope.nope", "|first", "|last", "|map('string')|join"]

    TESTS = ["defined", "undefined", "none", "string", "number", "integer", "float", "boolean", "true", "false", "mapping", "iterable", "sequence", "callable",
             "odd", "even", "divisibleby(3)", "divisibleby 2", "eq(1)", "ne 'a'", "gt 1", "lt(5)", "ge 2", "le 2", "in [1, 'a', none]", "sameas none", "sameas(true)", "lower", "upper", "equalto 'x'",
             "escaped", "filter", "test", "lessthan 3", "greaterthan 3"]

    def boolean(self):
        r = self.r.random()
        self.depth += 1
        try:
            if self.depth > 4 or r < 0.2:
                return self.pick(["yes", "no", "true", "false", "nil", "missing"])
            if r < 0.45:
                return f"({self.any()}) is {self.pick(['', 'not '])}{self.pick(self.TESTS)}"
            if r < 0.65:
                return f"({self.any()} {self.pick(['==', '!=', '<', '<=', '>', '>='])} {self.any()})"
            if r < 0.7:
                return f"({self.number()} {self.pick(['<', '=='])} {self.number()} {self.pick(['<=', '>'])} {self.number()})"
            if r < 0.8:
                return f"({self.any()} {self.pick(['in', 'not in'])} {self.pick([self.string, self.list, self.dict])()})"
            if r < 0.9:
                return f"({self.boolean()} {self.pick(['and', 'or'])} {self.boolean()})"
            return f"(not {self.boolean()})"
        finally:
            self.depth -= 1

    def any(self):
        r = self.r.random()
        self.depth += 1
        try:
            if self.depth > 4 or r < 0.2:
                return self.pick(self.names)
            if r < 0.35:
                return self.number()
            if r < 0.6:
                return self.string()
            if r < 0.78:
                return self.list()
            if r < 0.88:
                return self.dict() + (self.pick(self.DICT_ACCESS) if self.r.random() < 0.6 else "")
            if r < 0.94:
                return self.boolean()
            if r < 0.97 and self.macros:
                return self.call()
            return f"({self.any()} if {self.boolean()}{' else ' + self.any() if self.r.random() < 0.7 else ''})"
        finally:
            self.depth -= 1

    def call(self):
        name, parameters = self.pick(self.macros)
        arguments = [self.any() for _ in range(self.r.randrange(len(parameters) + 1))]
        if self.r.random() < 0.3:
            arguments.append(f"{self.pick(parameters + ['other'])}={self.any()}")
        return f"{name}({', '.join(arguments)})"

    def open(self):
        return self.pick(["{%", "{%", "{%", "{%-", "{%-", "{%+"])

    def close(self):
        return self.pick(["%}", "%}", "%}", "-%}", "-%}", "+%}"])

    def tag(self, body):
        return f"{self.pick(['', '', '  ', chr(10)])}{self.open()} {body} {self.close()}{self.pick(['', '', chr(10), ' ' + chr(10) + ' '])}"

    def text(self):
        return self.pick(["text", " a ", "\n", "\n\n  ", "<|im_end|>", "é", " {# note #}", "{#- cut -#}", "{% raw %}{{ x }}{% endraw %}", "\t\n x", "{", "}}"])

    LOOP_PARTS = ["loop.index", "loop.index0", "loop.first", "loop.last", "loop.length", "loop.revindex", "loop.revindex0", "loop.cycle('a', 'b')", "loop.previtem",
                  "loop.nextitem", "loop.depth", "loop.changed(x)", "loop.depth0", "loop.nope"]

    def statement(self):
        r = self.r.random()
        self.depth += 1
        try:
            if self.depth > 4 or r < 0.25:
                return f"{{{{{self.pick(['', '-'])} {self.any()} {self.pick(['', '-'])}}}}}" if self.r.random() < 0.7 else self.text()
            if r < 0.35:
                name = self.pick(["v", "u", "x", "ns.a"])
                value = self.any()
                if name[:2] != "ns":
                    self.names.append(name)
                return self.tag(f"set {name} = {value}")
            if r < 0.4:
                return self.tag("set v" + self.pick(["", " | upper", " | trim | length"])) + self.block() + self.tag("endset")
            if r < 0.55:
                out = self.tag("if " + self.boolean()) + self.block()
                if self.r.random() < 0.3:
                    out += self.tag("elif " + self.any()) + self.block()
                if self.r.random() < 0.5:
                    out += self.tag("else") + self.block()
                return out + self.tag("endif")
            if r < 0.8:
                return self.loop()
            if r < 0.86:
                name, parameters = f"m{len(self.macros)}", self.pick([["p"], ["p", "q"], ["x", "y"]])
                before, self.in_loop = self.in_loop, 0
                header = ", ".join(p + (f"={self.any()}" if i or self.r.random() < 0.5 else "") for i, p in enumerate(parameters))
                if "=" in header.split(",")[0] and len(parameters) > 1 and "=" not in header.split(",")[-1]:
                    header = ", ".join(parameters)
                body = self.block() + "{{ " + self.pick(parameters + ["varargs", "kwargs", "caller"]) + " }}"
                self.in_loop = before
                self.macros.append((name, parameters))
                return self.tag(f"macro {name}({header})") + body + self.tag("endmacro")
            if r < 0.9:
                return self.tag("with v = " + self.any() + ", z = v") + self.block() + "{{ z }}" + self.tag("endwith")
            if r < 0.94:
                return self.tag("filter " + self.pick(["upper", "trim", "indent(2)", "replace('a', 'b')|length"])) + self.block() + self.tag("endfilter")
            if r < 0.96 and self.macros:
                before, self.in_loop = self.in_loop, 0
                out = self.tag("call " + self.call()) + self.block() + self.tag("endcall")
                self.in_loop = before
                return out
            if self.in_loop:
                return self.tag(self.pick(["break", "continue"]))
            return self.tag("generation") + "{{ s }}" + self.tag("endgeneration")
        finally:
            self.depth -= 1

    def loop(self):
        target = self.pick(["x", "x", "x", "a, b"])
        head = f"for {target} in {self.pick([self.list, self.dict, self.any])()}"
        if self.r.random() < 0.2:
            head += f" if {self.pick(['x', 'x is defined', self.boolean()])}"
        out = self.tag(head)
        self.in_loop += 1
        self.names += ["x", self.pick(self.LOOP_PARTS)]
        body = self.block()
        self.in_loop -= 1
        if self.r.random() < 0.5:
            body += "{{ " + self.pick(self.LOOP_PARTS + ["x", "x", "a ~ b"]) + " }}"
        out += body
        if self.r.random() < 0.2:
            out += self.tag("else") + self.block()
        return out + self.tag("endfor")

    def block(self):
        return "".join(self.statement() for _ in range(self.r.randrange(1, 4)))

    def template(self):
        start = "{% set ns = namespace(a=1) %}" if self.r.random() < 0.5 else ""
        return start + "".join(self.statement() for _ in range(self.r.randrange(1, 5)))


def templates(count, seed):
    for i in range(count):
        generator = Generator(f"{seed}-{i}")
        # Half of them are a single expression: one error does not hide the rest.
        yield "{{ " + generator.any() + " }}" if i % 2 else generator.template()
