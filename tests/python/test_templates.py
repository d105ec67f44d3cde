"""The chat templates: our engine must print what Jinja2 prints, and refuse what it refuses.

HANDMILL_BUILD is the build folder (its chat_tool renders); HANDMILL_MODELS holds the two real
models, whose own templates are tried too where they are there.
"""

import json
import os
import re
import subprocess
from pathlib import Path

import jinja_generator
import jinja_oracle
import jinja_words
import pytest
import template_cases

TEMPLATES = sorted((Path(__file__).parent.parent / "templates").glob("*.jinja"))
MODELS = ["smollm2-135m-instruct-q4_1.gguf", "qwen2.5-coder-0.5b-q4_k_m.gguf"]
RANDOM = int(os.environ.get("HANDMILL_TEMPLATES", "6000"))
SEED = os.environ.get("HANDMILL_SEED", "1")
# Words that only a template writes; a user's copy of one must stay a user's.
CONTROL = re.compile(r"<\|[a-z_]+\|>|<start_of_turn>|\[INST\]|</s>|<｜[^｜]*｜>")


class Tool:

    def __init__(self):
        folder = os.environ.get("HANDMILL_BUILD")
        assert folder, "HANDMILL_BUILD names the build folder"
        self.path = Path(folder) / "src/chat/chat_tool"

    def ask(self, requests):
        lines = "".join(json.dumps(request) + "\n" for request in requests)
        done = subprocess.run([self.path],
                              input=lines.encode(),
                              stdout=subprocess.PIPE,
                              check=True,
                              timeout=600)
        answers = [json.loads(line) for line in done.stdout.decode().split("\n") if line]
        assert len(answers) == len(requests)
        return answers


@pytest.fixture(scope="module")
def tool():
    return Tool()


def text_of(answer):
    return "".join(text for text, _ in answer["segments"])


def check(tool, template, cases):
    requests = [{"template": template, "context": context, "bos": "<s>", "eos": "</s>"}
                for _, context in cases]
    rendered = 0
    for (name, context), answer in zip(cases, tool.ask(requests), strict=True):
        text, error = jinja_oracle.render(template, context, "<s>", "</s>")
        if error is not None:
            said = text_of(answer) if "error" not in answer else ""
            assert "error" in answer, f"{name}: Jinja2 refuses ({error}), handmill said {said!r}"
        else:
            assert "error" not in answer, f"{name}: {answer['error']}"
            assert text_of(answer) == text, name
            rendered += 1
    return rendered


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_written_templates(tool, path):
    assert check(tool, path.read_text(), list(template_cases.cases())) >= 20


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_users_write_no_control_text(tool, path):
    context = {"messages": template_cases.CONVERSATIONS["injection"], "add_generation_prompt": True}
    answer = tool.ask(
        [{"template": path.read_text(), "context": context, "bos": "<s>", "eos": "</s>"}])[0]
    injected = context["messages"][0]["content"].strip()
    assert (injected, False) in [(text.strip(), special) for text, special in answer["segments"]]
    assert CONTROL.search("".join(text for text, special in answer["segments"] if special))


@pytest.mark.parametrize("name", MODELS)
def test_real_templates(tool, name):
    gguf = pytest.importorskip("gguf")
    path = Path(os.environ.get("HANDMILL_MODELS", "")) / name
    if not path.is_file():
        assert not os.environ.get("HANDMILL_REQUIRE_MODELS"), f"{name} is missing"
        pytest.skip(f"{name} is not in HANDMILL_MODELS")
    template = gguf.GGUFReader(path).fields["tokenizer.chat_template"].contents()
    assert check(tool, template, list(template_cases.cases())) >= 40


def scrub(text):
    """Addresses of objects are Python's own."""
    return re.sub(r"0x[0-9a-f]+", "0x", text)


def test_random_templates(tool):
    templates = list(jinja_generator.templates(RANDOM, SEED))
    context = jinja_words.CONTEXT
    answers = tool.ask([{"template": template, "context": context} for template in templates])
    wrong, same, limits = [], 0, 0
    for template, answer in zip(templates, answers, strict=True):
        text, error = jinja_oracle.render(template, context)
        if answer.get("limit"):
            limits += 1  # refused for its size; Python has no such limit
        elif error is None and "object is not subscriptable" in answer.get("error", ""):
            limits += 1  # {{ 1[0:2] }}: Jinja2 folds a wrong slice of constants into Undefined
        elif error is not None and "error" not in answer:
            wrong.append((template, f"Jinja2 refuses: {error}", text_of(answer)))
        elif error is None and "error" in answer:
            wrong.append((template, text, f"handmill refuses: {answer['error']}"))
        elif error is None and scrub(text_of(answer)) != scrub(text):
            wrong.append((template, text, text_of(answer)))
        else:
            same += error is None
    report = "\n\n".join(f"{t}\n  Jinja2: {a!r}\n  handmill: {b!r}" for t, a, b in wrong[:10])
    assert not wrong, f"{len(wrong)} of {RANDOM} differ\n{report}"
    assert same > RANDOM // 3 and limits < RANDOM // 50
