"""`handmill serve` as the ollama package sees it, with the real default model."""

import json
import re
from datetime import datetime, timedelta, timezone

import numpy as np
import ollama
import pytest

import serving
from serving import MODEL, QUESTION

pytestmark = serving.needed
ASK = [{"role": "user", "content": QUESTION}]
GREEDY = {"temperature": 0, "num_predict": 40}
DURATIONS = ("total_duration", "load_duration", "prompt_eval_duration", "eval_duration")


@pytest.fixture(scope="module")
def server():
    with serving.running() as one:
        yield one


@pytest.fixture(scope="module")
def client(server):
    return ollama.Client(host=server.url, timeout=300)


def check_figures(last):
    """What the last line tells, as people read a speed out of it."""
    assert last.done and last.done_reason == "stop"
    assert last.prompt_eval_count > 10 and last.eval_count > 3
    durations = [getattr(last, name) or 0 for name in DURATIONS]
    assert all(isinstance(value, int) for value in durations)
    total, *parts = durations
    assert 0 < last.eval_duration < total and total < 300e9
    assert sum(parts) <= total * 1.01


def test_generate_streamed_and_not(client):
    whole = client.generate(MODEL, QUESTION, options=GREEDY)
    assert "Paris" in whole.response and whole.model == MODEL
    check_figures(whole)
    lines = list(client.generate(MODEL, QUESTION, options=GREEDY, stream=True))
    assert "".join(line.response for line in lines) == whole.response
    assert [line.done for line in lines] == [False] * (len(lines) - 1) + [True]
    assert len(lines) > 4 and lines[-1].response == ""
    check_figures(lines[-1])
    for line in lines:
        age = datetime.now(timezone.utc) - datetime.fromisoformat(
            re.sub(r"(\.\d{6})\d*", r"\1", line.created_at).replace("Z", "+00:00"))
        assert timedelta(minutes=-1) < age < timedelta(minutes=10)


def test_generate_raw_takes_the_prompt_as_it_is(client, server):
    raw = client.generate(MODEL, "The capital of France is", raw=True,
                          options={"temperature": 0, "num_predict": 5})
    same = server.post("/v1/completions", model=MODEL, prompt="The capital of France is",
                       temperature=0, max_tokens=5)
    assert raw.response == same["choices"][0]["text"] and raw.done_reason == "length"
    assert raw.eval_count == 5


def test_generate_with_a_system_prompt_is_that_chat(client):
    system = "Answer in French."
    generated = client.generate(MODEL, QUESTION, system=system, options=GREEDY).response
    chatted = client.chat(MODEL, [{"role": "system", "content": system}, *ASK], options=GREEDY)
    assert generated == chatted.message.content
    assert generated != client.generate(MODEL, QUESTION, options=GREEDY).response


def test_chat_streamed_and_not(client, server):
    whole = client.chat(MODEL, ASK, options=GREEDY)
    assert whole.message.role == "assistant" and "Paris" in whole.message.content
    check_figures(whole)
    lines = list(client.chat(MODEL, ASK, options=GREEDY, stream=True))
    assert "".join(line.message.content for line in lines) == whole.message.content
    assert lines[-1].message.content == "" and len(lines) > 4
    check_figures(lines[-1])
    openai = server.post("/v1/chat/completions", model=MODEL, messages=ASK, temperature=0,
                         max_tokens=40)
    assert openai["choices"][0]["message"]["content"] == whole.message.content


def test_streaming_is_the_default_and_lines_are_json(server):
    answer = server.ask("POST", "/api/chat", {"model": MODEL, "messages": ASK, "options": GREEDY})
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    assert all(json.loads(line)["model"] == MODEL for line in answer.body.splitlines())
    whole = server.ask("POST", "/api/chat", {"model": MODEL, "messages": ASK, "options": GREEDY,
                                             "stream": False})
    assert whole.headers["content-type"].startswith("application/json")


def test_options(client):
    def texts(**options):
        return client.generate(MODEL, "Tell me a story.",
                               options={"num_predict": 12, "temperature": 1} | options).response
    assert texts(seed=1) == texts(seed=1) != texts(seed=2)
    assert texts(seed=1, mirostat=0, use_mlock=True, an_old_name=7) == texts(seed=1)
    whole = texts(temperature=0)
    assert texts(temperature=0, stop=[whole[10:16]]) == whole[:10]


def test_logprobs(client):
    answer = client.generate(MODEL, QUESTION, options=GREEDY | {"num_predict": 4}, logprobs=True,
                             top_logprobs=2)
    assert len(answer.logprobs) == 4
    for token in answer.logprobs:
        assert token.logprob == max(top.logprob for top in token.top_logprobs) <= 0
        assert len(token.top_logprobs) == 2


def test_models_and_their_facts(client, server):
    listed, = client.list().models
    assert listed.model == MODEL and listed.size == serving.model_path().stat().st_size
    assert re.fullmatch("[0-9a-f]{64}", listed.digest)
    assert listed.details.family == "llama" and listed.details.format == "gguf"
    assert listed.details.quantization_level == "Q4_1"
    assert listed.details.parameter_size.startswith("134.") or \
        listed.details.parameter_size.startswith("135")
    shown = client.show(MODEL)
    assert shown.modelinfo["llama.context_length"] == 8192
    assert shown.modelinfo["general.architecture"] == "llama"
    assert "completion" in shown.capabilities and "vision" not in shown.capabilities
    assert "<|im_start|>" in shown.template
    by_tag = client.show(f"{MODEL}:latest")
    assert by_tag.modelinfo == shown.modelinfo
    assert server.ask("GET", "/api/version").json["version"]
    for path in "/", "/api/version", "/api/tags":
        assert server.ask("HEAD", path).status == 200


def test_loading_staying_and_leaving(client):
    def kept():
        return {model.model: model for model in client.ps().models}
    loaded = client.generate(MODEL, keep_alive="10m")
    assert loaded.done and loaded.done_reason == "load" and loaded.response == ""
    stays = kept()[MODEL]
    assert stays.size > 50e6 and stays.context_length > 0
    left = stays.expires_at - datetime.now(timezone.utc)
    assert timedelta(minutes=9) < left < timedelta(minutes=11)
    assert client.chat(MODEL, [], keep_alive=-1).done_reason == "load"
    assert kept()[MODEL].expires_at - datetime.now(timezone.utc) > timedelta(days=365)
    assert client.generate(MODEL, keep_alive=0).done_reason == "unload"
    until = datetime.now() + timedelta(seconds=30)
    while kept() and datetime.now() < until:
        pass
    assert kept() == {}
    assert "Paris" in client.generate(MODEL, QUESTION, options=GREEDY).response  # comes back


def test_embeddings(client, server):
    texts = ["The river is wide.", "Stocks fell on Monday."]
    answer = client.embed(MODEL, texts)
    assert answer.model == MODEL and answer.prompt_eval_count > 8
    vectors = np.array(answer.embeddings)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert client.embed(MODEL, texts[0]).embeddings[0] == answer.embeddings[0]
    old = client.embeddings(MODEL, texts[0]).embedding
    np.testing.assert_allclose(np.array(old) / np.linalg.norm(old), vectors[0], atol=1e-5)
    openai = server.post("/v1/embeddings", model=MODEL, input=texts)["data"]
    np.testing.assert_allclose([row["embedding"] for row in openai], vectors, atol=1e-7)


def test_thinking_is_refused_where_the_model_has_none(client):
    with pytest.raises(ollama.ResponseError) as caught:
        client.chat(MODEL, ASK, think=True)
    assert caught.value.status_code == 400 and "think" in caught.value.error
    assert "Paris" in client.chat(MODEL, ASK, think=False, options=GREEDY).message.content


@pytest.mark.parametrize(("call", "status", "word"), [
    (lambda c: c.generate("no-such-model", "x"), 404, "no-such-model"),
    (lambda c: c.chat("no-such-model", ASK), 404, "no-such-model"),
    (lambda c: c.show("no-such-model"), 404, "no-such-model"),
    (lambda c: c.embed("no-such-model", "x"), 404, "no-such-model"),
    (lambda c: c.chat(MODEL, ASK, format="json"), 400, "format"),
    (lambda c: c.generate(MODEL, "x", images=[b"\x89PNG"]), 400, "images"),
    (lambda c: c.generate(MODEL, "x", suffix="y"), 400, "suffix"),
    (lambda c: c.generate(MODEL, "x", options={"temperature": -1}), 400, "temperature"),
    (lambda c: c.pull("no-such-model"), 400, "pull"),
    (lambda c: c.delete(MODEL), 400, "delete"),
    (lambda c: c.copy(MODEL, "x"), 400, "copy"),
])
def test_what_is_not_to_be_had(client, call, status, word):
    with pytest.raises(ollama.ResponseError) as caught:
        call(client)
    assert caught.value.status_code == status, caught.value
    assert word in caught.value.error


def test_a_prompt_that_is_too_long_is_cut_only_where_asked(client, server):
    long = [{"role": "user", "content": "river " * 600}, {"role": "assistant", "content": "Yes."},
            *ASK]
    options = GREEDY | {"num_ctx": 256}
    with pytest.raises(ollama.ResponseError) as caught:
        client.chat(MODEL, long, options=options)
    assert caught.value.status_code == 400
    assert re.search(r"has 6\d\d tokens; the context has room for 255$", caught.value.error)
    cut = server.post("/api/chat", model=MODEL, messages=long, options=options, truncate=True,
                      stream=False)
    assert cut["message"]["content"] and cut["prompt_eval_count"] < 256
