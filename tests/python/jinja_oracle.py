"""Jinja2 as Hugging Face's apply_chat_template configures it: test_templates.py's oracle."""

import copy
import datetime
import json

import jinja2
import jinja2.ext
import jinja2.sandbox


class Generation(jinja2.ext.Extension):
    """{% generation %} marks the assistant's words; it prints its body."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        call = self.call_method("_render")
        return jinja2.nodes.CallBlock(call, [], [], body).set_lineno(line)

    def _render(self, caller):
        return caller()


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x,
                      ensure_ascii=ensure_ascii,
                      indent=indent,
                      separators=separators,
                      sort_keys=sort_keys)


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def strftime_now(format):
    return datetime.datetime.now().strftime(format)


def environment():
    env = jinja2.sandbox.ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols])
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = strftime_now
    return env


ENVIRONMENT = environment()


def render(template, context, bos="", eos=""):
    """(text, None) or (None, error)."""
    context = copy.deepcopy(context)  # {{ list|indent }} appends to the list before it fails
    variables = {
        "messages": [],
        "documents": None,
        "add_generation_prompt": False,
        "bos_token": bos,
        "eos_token": eos,
        **context,
    }
    variables["tools"] = context.get("tools") or None
    variables["messages"] = [{"role": "", "content": "", **m} for m in variables["messages"]]
    try:
        text = ENVIRONMENT.from_string(template).render(**variables)
        text.encode()
        return text, None
    except Exception as error:  # whatever Python raises, handmill must refuse too
        return None, f"{type(error).__name__}: {error}"
