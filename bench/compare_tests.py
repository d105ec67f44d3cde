"""What bench/compare measures: its tests, and how a list of them is written."""

import itertools
import re
from dataclasses import dataclass
from typing import NamedTuple

KV_FORMATS = ("f16", "q8_0")
MOST_TOKENS, MOST_BATCH = 1 << 22, 1024


class CompareError(Exception):
    """What the user can read and act on. The first line says what, the second the command."""


class Setting(NamedTuple):
    """What one run of a program can measure together."""
    depth: int
    batch: int
    kv: str


class Test(NamedTuple):
    """So many tokens of prefill or decode, behind so many cached ones, in so many sequences."""
    kind: str  # "pp" or "tg"
    tokens: int
    depth: int = 0
    batch: int = 1
    kv: str = "f16"

    @property
    def title(self):
        name = f"{'prefill' if self.kind == 'pp' else 'decode'} {self.tokens}"
        name += f", depth {self.depth}" if self.depth else ""
        name += f", batch {self.batch}" if self.batch > 1 else ""
        return name + (f", kv {self.kv}" if self.kv != "f16" else "")

    @property
    def setting(self):
        return Setting(self.depth, self.batch, self.kv)


def crossed(prefill, decode, depths, batches, kvs):
    """Every combination."""
    lengths = [("pp", n) for n in prefill] + [("tg", n) for n in decode]
    return [Test(kind, tokens, depth, batch, kv)
            for kv, depth, batch in itertools.product(kvs, depths, batches)
            for kind, tokens in lengths]


def written(words):
    """Tests as a user writes them: pp512, tg64@8192, tg64x8, tg64@8192/q8_0, with commas between.
    A ValueError says what is wrong."""
    tests = []
    for word in words.split(","):
        parts = re.fullmatch(r"(pp|tg)(\d+)(?:@(\d+))?(?:x(\d+))?(?:/(\w+))?", word)
        if not parts:
            raise ValueError(f"{word!r} is no test like pp512, tg64@8192, tg64x8, tg64@4096/q8_0")
        kind, tokens, depth, batch, kv = parts.groups()
        test = Test(kind, int(tokens), int(depth or 0), int(batch or 1), kv or "f16")
        if not (1 <= test.tokens <= MOST_TOKENS and test.depth <= MOST_TOKENS
                and 1 <= test.batch <= MOST_BATCH):
            raise ValueError(f"{word!r}: 1 to {MOST_TOKENS} tokens at a depth of as many at most, "
                             f"and 1 to {MOST_BATCH} sequences can be measured")
        if test.kv not in KV_FORMATS:
            raise ValueError(f"{word!r}: {test.kv} is not one of {', '.join(KV_FORMATS)}")
        tests.append(test)
    return tests


@dataclass
class Settings:
    tests: list
    kv: str  # of the start
    repeats: int
    limit_s: float | None  # for one run of a program
    threads: int | None = None

    @property
    def groups(self):
        """Lists of tests that a program measures in one run: a failure loses no others. Those of
        several sequences are alone, as the peer's program has it."""
        groups = {}
        for test in self.tests:
            groups.setdefault(test.setting if test.batch == 1 else test, []).append(test)
        return list(groups.values())
