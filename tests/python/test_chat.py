"""The chat on a terminal: typed, pasted and interrupted, through a pseudo-terminal.

Environment: HANDMILL_BIN the handmill binary, HANDMILL_MODELS the folder of the two real models.
"""

import json
import os
import pty
import re
import select
import signal
import time

import pytest

PATIENCE = 300  # seconds; machines that test are busy
PROMPT = ">>> "
PASTE = "\x1b[200~{}\x1b[201~"

pytestmark = pytest.mark.skipif(
    not {"HANDMILL_BIN", "HANDMILL_MODELS"} <= os.environ.keys()
    and "HANDMILL_REQUIRE_MODELS" not in os.environ,
    reason="HANDMILL_BIN and HANDMILL_MODELS are not set")


class Terminal:
    """A handmill under a terminal. Escape sequences are taken out of what it prints."""

    def __init__(self, home, *words):
        env = os.environ | {"HANDMILL_HOME": str(home), "TERM": "xterm", "COLUMNS": "200"}
        env.pop("NO_COLOR", None)
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            binary = os.environ["HANDMILL_BIN"]
            try:
                os.execve(binary, [binary, *words], env)
            finally:  # without the program, or this were a second run of all tests
                os._exit(127)
        self.raw = ""
        self.read_to = 0
        self.code = None

    @property
    def text(self):
        plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", self.raw)
        return plain.replace("\r", "")[self.read_to:]

    def expect(self, wanted):
        """Waits for `wanted` in what was printed since the last call; gives all up to its end."""
        end = time.monotonic() + PATIENCE
        while wanted not in self.text:
            assert time.monotonic() < end, f"no {wanted!r} in {self.text[-2000:]!r}"
            assert self.receive(), f"it ended without {wanted!r}: {self.text[-2000:]!r}"
        seen = self.text[:self.text.index(wanted) + len(wanted)]
        self.read_to += len(seen)
        return seen

    def receive(self):
        if not select.select([self.fd], [], [], 1)[0]:
            return True
        try:
            data = os.read(self.fd, 65536)
        except OSError:  # how Linux tells the end of a terminal
            return False
        self.raw += data.decode("utf-8", "replace")
        return bool(data)

    def type(self, keys):
        os.write(self.fd, keys.encode())

    def enter(self, line):
        self.type(line + "\r")

    def stop(self):
        """Ctrl-S within an answer, and waits until it hangs in a write, and uses no more time."""
        while not self.text.strip():
            assert self.receive(), "it ended"
        self.type("\x13")
        end, before, used = time.monotonic() + PATIENCE, None, -1
        while used != before:
            assert time.monotonic() < end, "it never stopped to print"
            time.sleep(1)
            with open(f"/proc/{self.pid}/stat") as stat:
                before, used = used, sum(map(int, stat.read().rsplit(")", 1)[1].split()[11:13]))

    def wait(self):
        """Waits for its end; gives the exit code."""
        end = time.monotonic() + PATIENCE
        while self.receive():
            assert time.monotonic() < end, f"it did not end after {self.text[-2000:]!r}"
        self.code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.code

    def close(self):
        if self.code is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)


@pytest.fixture
def home(tmp_path):
    (tmp_path / "models").symlink_to(os.environ["HANDMILL_MODELS"])
    return tmp_path


@pytest.fixture
def chat(home):
    terminals = []

    def start(*words):
        terminals.append(Terminal(home, "run", "--greedy", *words))
        terminals[-1].expect(PROMPT)
        return terminals[-1]

    yield start
    for terminal in terminals:
        terminal.close()


def test_turns_history_and_commands(chat, home):
    t = chat("--max-tokens", "12")
    t.enter("Where is the Eiffel Tower?")
    assert "Paris" in t.expect("TTFT")
    t.expect(PROMPT)
    t.enter("And of Italy? " + "Think well. " * 20)
    t.expect("TTFT")
    t.expect(PROMPT)
    t.enter("Thank you.")
    assert "TG" in t.expect("cached)")  # whole blocks of the turns before, in the prefix cache
    t.expect(PROMPT)
    t.enter("/show")
    assert "turns     3" in t.expect("More: ")
    t.expect(PROMPT)
    t.enter("/set max_tokens 2")
    t.expect("max_tokens is 2")
    t.enter("/clear")
    t.expect("begins anew")
    t.enter("/shwo")
    t.expect("did you mean /show?")
    t.enter("/bye")
    assert t.wait() == 0
    history = (home / "history").read_text()
    assert "Italy?" in history and "/shwo" in history
    assert (home / "history").stat().st_mode & 0o077 == 0


def test_several_lines_typed_and_pasted(chat, home):
    saved = home / "talk.json"
    t = chat("--max-tokens", "2")
    t.enter('"""First')
    t.expect("... ")
    t.enter("Größe 😀")
    t.expect("... ")
    t.enter('last"""')
    t.expect("TTFT")
    t.expect(PROMPT)
    t.type(PASTE.format("x\r" * 600_000))  # too long: nothing of it is taken
    t.expect("\a")
    t.type(PASTE.format("one\rtwo\r/three"))
    t.enter("")
    t.expect("TTFT")
    t.expect(PROMPT)
    t.enter(f"/save {saved}")
    t.expect("Saved 4 messages")
    messages = json.loads(saved.read_text())["messages"]
    assert messages[0]["content"] == "First\nGröße 😀\nlast"
    assert messages[2]["content"] == "one\ntwo\n/three"
    t.enter("/clear")
    t.expect("begins anew")
    t.enter(f"/load {saved}")
    t.expect("Loaded 4 messages")
    t.expect(PROMPT)
    t.type("\x04")
    assert t.wait() == 0


def test_keys_typed_during_an_answer_wait_for_the_next_prompt(chat):
    t = chat("--max-tokens", "300")
    t.enter("/set logit_bias 0=-inf 2=-inf")  # without end tokens, no answer ends by itself
    t.expect("logit_bias is")
    t.expect(PROMPT)
    t.enter("Count to a hundred.")
    t.expect("\n")
    time.sleep(0.2)
    t.type("/set seed 7\r/set max_tokens 3\r\x04")
    t.expect("seed is 7")
    t.expect("max_tokens is 3")
    assert t.wait() == 0


def test_a_broken_character_takes_no_key_along(chat):
    t = chat("--max-tokens", "2")
    os.write(t.fd, b"Say hi \xc3\r")
    t.expect("TTFT")
    t.expect(PROMPT)


def test_interrupt_stops_the_answer_and_not_the_program(chat):
    t = chat("--system", "You tell endless stories.")
    t.type("half a line\x03")
    t.expect("Use /bye or Ctrl-D to leave.")
    t.expect(PROMPT)
    t.enter("/set logit_bias 0=-inf 2=-inf")  # without end tokens, no answer ends by itself
    t.expect("logit_bias is")
    t.expect(PROMPT)
    for stopped in False, True:
        t.enter("Count to a million.")
        t.expect("\n")
        if stopped:
            t.stop()
        else:
            time.sleep(1)
        t.type("\x03")
        t.expect("[stopped]")
        t.expect(PROMPT)
    t.enter("/set max_tokens 3")
    t.expect("max_tokens is 3")
    t.expect(PROMPT)
    t.enter("Say hi.")
    t.expect("TTFT")
    t.expect(PROMPT)
    t.enter("/bye")
    assert t.wait() == 0
