"""Random templates from a seeded grammar: expressions, filters, tests, methods, loops, macros."""

import random

import jinja_words as w

NAMES = list(w.CONTEXT) + ["missing"]


class Expressions:
    """Each method gives the text of an expression that mostly has the type in its name."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.depth = 0
        self.names = list(NAMES)
        self.macros = []

    def pick(self, *options):
        return self.random.choice(options)

    def one(self, words):
        return self.random.choice(words)

    def chance(self, share):
        return self.random.random() < share

    def weighted(self, *choices):
        """(weight, make) pairs; counts the nesting."""
        self.depth += 1
        makes = [make for _, make in choices]
        made = self.random.choices(makes, [weight for weight, _ in choices])[0]()
        self.depth -= 1
        return made

    def binary(self, left, operators, right):
        return f"({left()} {self.pick(*operators)} {right()})"

    def filtered(self, subject, filters):
        return f"({subject()})|{self.one(filters)}"

    def number(self):
        if self.depth > 3 or self.chance(0.5):
            return self.one(w.NUMBERS)
        return self.weighted(
            (5, lambda: self.binary(self.number, ["+", "-", "*", "//", "%", "/"], self.number)),
            (1, lambda: f"({self.number()} ** {self.pick('2', '0', '-1', '0.5', '3')})"),
            (1, lambda: self.pick("-", "+") + self.number()),
            (4, lambda: self.filtered(self.any, w.NUMBER_FILTERS)),
            (1, lambda: f"{self.one(w.STRINGS)}.{self.pick('find', 'count')}({self.string()})"))

    def string(self):
        if self.depth > 3 or self.chance(0.4):
            return self.one(w.STRINGS)
        either = self.pick(self.string, self.any)
        return self.weighted(
            (3, lambda: self.binary(self.string, ["+", "~", "~", "%", "*"], either)),
            (3, lambda: self.filtered(either, w.STRING_FILTERS)),
            (4, lambda: f"{self.string_atom()}.{self.one(w.STRING_METHODS)}"),
            (2, lambda: f"{self.string_atom()}[{self.subscript()}]"))

    def string_atom(self):
        return self.one(w.STRINGS) if self.chance(0.7) else f"({self.string()})"

    def subscript(self):
        bounds = ["", "", "1", "-1", "2", "-2", "100", "-100", "0", "none"]
        if self.chance(0.3):
            return self.pick("0", "-1", "1", "100", "'x'", "none", "true", "1.0")
        step = self.pick("", ":", ":-1", ":2", ":-2", ":1", ":3", ":0" if self.chance(0.2) else "")
        return f"{self.one(bounds)}:{self.one(bounds)}{step}"

    def list(self):
        if self.depth > 3 or self.chance(0.4):
            return self.one(w.LISTS)
        return self.weighted(
            (3, lambda: f"[{', '.join(self.any() for _ in range(self.random.randrange(4)))}]"),
            (5, lambda: self.filtered(self.list, w.LIST_FILTERS)),
            (2, lambda: f"({self.list()})[{self.subscript()}]"),
            (1, lambda: f"({self.list()} + {self.list()})"),
            (1, lambda: f"({self.any()}, {self.any()})"))

    def dict(self):
        if self.depth > 3 or self.chance(0.6):
            return self.one(w.DICTS)
        key = self.pick(self.string, self.number)
        items = [f"{key()}: {self.any()}" for _ in range(self.random.randrange(3))]
        return "{" + ", ".join(items) + "}"

    def boolean(self):
        if self.depth > 4 or self.chance(0.2):
            return self.pick("yes", "no", "true", "false", "nil", "missing")
        container = self.pick(self.string, self.list, self.dict)
        negated = self.pick("", "not ")
        return self.weighted(
            (5, lambda: f"({self.any()}) is {negated}{self.one(w.TESTS)}"),
            (4, lambda: self.binary(self.any, ["==", "!=", "<", "<=", ">", ">="], self.any)),
            (1, lambda: f"({self.number()} < {self.number()} <= {self.number()})"),
            (2, lambda: self.binary(self.any, ["in", "not in"], container)),
            (2, lambda: self.binary(self.boolean, ["and", "or"], self.boolean)),
            (2, lambda: f"(not {self.boolean()})"))

    def any(self):
        if self.depth > 4 or self.chance(0.2):
            return self.one(self.names)
        return self.weighted(
            (3, self.number), (5, self.string), (4, self.list), (1, self.dict), (1, self.boolean),
            (1, lambda: self.dict() + self.one(w.DICT_ACCESS)), (1, self.conditional),
            (1, self.call if self.macros else self.string))

    def conditional(self):
        other = " else " + self.any() if self.chance(0.7) else ""
        return f"({self.any()} if {self.boolean()}{other})"

    def call(self):
        name, parameters = self.one(self.macros)
        arguments = [self.any() for _ in range(self.random.randrange(len(parameters) + 1))]
        if self.chance(0.3):
            arguments.append(f"{self.one([*parameters, 'other'])}={self.any()}")
        return f"{name}({', '.join(arguments)})"


class Templates(Expressions):
    """Statements over those expressions, with every form of whitespace control."""

    def __init__(self, seed):
        super().__init__(seed)
        self.loops = 0

    def tag(self, body):
        before = self.pick("", "", "  ", "\n") + self.pick("{%", "{%", "{%", "{%-", "{%-", "{%+")
        after = self.pick("%}", "%}", "%}", "-%}", "-%}", "+%}") + self.pick("", "", "\n", " \n ")
        return f"{before} {body} {after}"

    def text(self):
        return self.pick("text", " a ", "\n", "\n\n  ", "<|im_end|>", "é", " {# note #}", "\t\n x",
                         "{#- cut -#}", "{% raw %}{{ x }}{% endraw %}", "{", "}}")

    def print(self, expression):
        return f"{{{{{self.pick('', '-')} {expression} {self.pick('', '-')}}}}}"

    def statement(self):
        if self.depth > 3 or self.chance(0.25):
            return self.print(self.any()) if self.chance(0.7) else self.text()
        leave = lambda: self.tag(self.pick("break", "continue"))
        mark = lambda: self.tag("generation") + "{{ s }}" + self.tag("endgeneration")
        return self.weighted(
            (2, self.set), (1, self.set_block), (3, self.condition), (5, self.loop),
            (1, self.macro), (1, self.scope), (1, self.filter_block),
            (1, self.call_block if self.macros else self.scope), (1, leave if self.loops else mark))

    def block(self):
        return "".join(self.statement() for _ in range(self.random.randrange(1, 4)))

    def function_block(self):
        """A body that a loop outside of it cannot be left from."""
        loops, self.loops = self.loops, 0
        body = self.block()
        self.loops = loops
        return body

    def set(self):
        name = self.pick("v", "u", "x", "ns.a")
        value = self.any()
        if name != "ns.a":
            self.names.append(name)
        return self.tag(f"set {name} = {value}")

    def set_block(self):
        filters = self.pick("", " | upper", " | trim | length")
        return self.tag("set v" + filters) + self.block() + self.tag("endset")

    def condition(self):
        out = self.tag("if " + self.boolean()) + self.block()
        if self.chance(0.3):
            out += self.tag("elif " + self.any()) + self.block()
        if self.chance(0.5):
            out += self.tag("else") + self.block()
        return out + self.tag("endif")

    def macro(self):
        name, parameters = f"m{len(self.macros)}", self.pick(["p"], ["p", "q"], ["x", "y"])
        header = [*parameters[:-1], f"{parameters[-1]}={self.any()}"]
        if self.chance(0.5):
            header = parameters
        shown = self.one([*parameters, "varargs", "kwargs", "caller"])
        body = self.function_block() + self.print(shown)
        self.macros.append((name, parameters))
        return self.tag(f"macro {name}({', '.join(header)})") + body + self.tag("endmacro")

    def scope(self):
        head = self.tag(f"with v = {self.any()}, z = v")
        return head + self.block() + "{{ z }}" + self.tag("endwith")

    def filter_block(self):
        filters = self.pick("upper", "trim", "indent(2)", "replace('a', 'b')|length")
        return self.tag("filter " + filters) + self.block() + self.tag("endfilter")

    def call_block(self):
        return self.tag("call " + self.call()) + self.function_block() + self.tag("endcall")

    def loop(self):
        iterable = self.pick(self.list, self.dict, self.any)()
        head = f"for {self.pick('x', 'x', 'x', 'a, b')} in {iterable}"
        if self.chance(0.2):
            head += f" if {self.pick('x', 'x is defined', self.boolean())}"
        self.loops += 1
        self.names += ["x", self.one(w.LOOP_PARTS)]
        body = self.block()
        self.loops -= 1
        if self.chance(0.5):
            body += self.print(self.one([*w.LOOP_PARTS, "x", "x", "a ~ b"]))
        if self.chance(0.2):
            body += self.tag("else") + self.block()
        return self.tag(head) + body + self.tag("endfor")

    def template(self):
        start = "{% set ns = namespace(a=1) %}" if self.chance(0.5) else ""
        return start + "".join(self.statement() for _ in range(self.random.randrange(1, 5)))


def templates(count, seed):
    for i in range(count):
        generator = Templates(f"{seed}-{i}")
        # Half of them are a single expression: one error does not hide the rest.
        yield "{{ " + generator.any() + " }}" if i % 2 else generator.template()
