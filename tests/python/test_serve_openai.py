"""`handmill serve` as the openai package sees it, with the real default model."""

import json

import numpy as np
import openai
import pytest

import serving
from serving import MODEL, QUESTION

pytestmark = serving.needed
ASK = [{"role": "user", "content": QUESTION}]
STORY = [{"role": "user", "content": "Tell me a story."}]
GREEDY = {"model": MODEL, "temperature": 0}


@pytest.fixture(scope="module")
def server():
    with serving.running() as one:
        yield one


@pytest.fixture(scope="module")
def client(server):
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0, timeout=300)


def chat(client, **more):
    return client.chat.completions.create(**{"messages": ASK, "max_tokens": 12} | GREEDY | more)


def complete(client, **more):
    return client.completions.create(
        **{"prompt": "The capital of France is", "max_tokens": 8} | GREEDY | more)


def test_models(client):
    listed = client.models.list().data
    assert [model.id for model in listed] == [MODEL]
    one = client.models.retrieve(MODEL)
    assert one.id == MODEL and one.object == "model" and one.created > 1e9
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("no-such-model")


def test_a_chat(client):
    answer = chat(client, max_tokens=40)
    choice, usage = answer.choices[0], answer.usage
    assert "Paris" in choice.message.content and choice.message.role == "assistant"
    assert choice.finish_reason == "stop" and choice.index == 0
    assert answer.object == "chat.completion" and answer.id.startswith("chatcmpl-")
    assert answer.model == MODEL and answer.created > 1e9
    assert usage.prompt_tokens > 10 and usage.completion_tokens > 3
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    again = chat(client, max_tokens=40)
    assert again.choices[0].message.content == choice.message.content and again.id != answer.id


def test_a_conversation_goes_on_from_the_cache(client):
    turns = [{"role": "system", "content": "You are a careful editor of a small paper. " * 9}, *ASK]
    first = chat(client, messages=turns)
    assert first.usage.prompt_tokens_details.cached_tokens == 0
    turns += [{"role": "assistant", "content": first.choices[0].message.content}, *ASK]
    # Blocks of 64 tokens are found whole.
    cached = chat(client, messages=turns).usage.prompt_tokens_details.cached_tokens
    assert cached == first.usage.prompt_tokens // 64 * 64


def test_a_streamed_chat_is_the_same(client):
    whole = chat(client, max_tokens=40)
    chunks = list(chat(client, max_tokens=40, stream=True, stream_options={"include_usage": True}))
    assert len({(chunk.id, chunk.created, chunk.model, chunk.object) for chunk in chunks}) == 1
    assert chunks[0].object == "chat.completion.chunk"
    *pieces, last = chunks
    assert last.choices == [] and last.usage.completion_tokens == whole.usage.completion_tokens
    assert last.usage.prompt_tokens == whole.usage.prompt_tokens
    deltas = [piece.choices[0].delta for piece in pieces]
    assert [delta.role for delta in deltas] == ["assistant"] + [None] * (len(deltas) - 1)
    text = "".join(delta.content or "" for delta in deltas)
    assert text == whole.choices[0].message.content
    assert sum(bool(delta.content) for delta in deltas) > 3  # it does not come in one piece
    finishes = [piece.choices[0].finish_reason for piece in pieces]
    assert finishes == [None] * (len(pieces) - 1) + ["stop"]
    assert all(chunk.usage is None for chunk in chat(client, stream=True))


def test_a_completion_streamed_and_not(client):
    whole = complete(client)
    assert "Paris" in whole.choices[0].text
    assert whole.object == "text_completion" and whole.id.startswith("cmpl-")
    assert whole.usage.completion_tokens == 8 and whole.choices[0].finish_reason == "length"
    chunks = list(complete(client, stream=True, stream_options={"include_usage": True}))
    assert "".join(c.choices[0].text for c in chunks if c.choices) == whole.choices[0].text
    assert chunks[-1].usage.completion_tokens == 8


def test_a_prompt_of_text_or_ids_alone_or_several(client, server):
    texts = ["The capital of France is", "One, two, three,"]
    ids = [server.post("/tokenize", content=text)["tokens"] for text in texts]
    alone = [complete(client, prompt=text).choices[0].text for text in texts]
    assert [complete(client, prompt=one).choices[0].text for one in ids] == alone
    for prompts in texts, ids:
        answer = complete(client, prompt=prompts)
        assert [(c.index, c.text) for c in answer.choices] == list(enumerate(alone))
        assert answer.usage.prompt_tokens == sum(map(len, ids))


def test_prompt_logprobs_are_those_of_the_logits(client, server, tmp_path):
    prompt = "The old man who lived near the river told his son a story."
    ids = server.post("/tokenize", content=prompt)["tokens"]
    (tmp_path / "ids").write_text(" ".join(map(str, ids)))
    out = tmp_path / "out.npy"
    serving.program("logits", serving.model_path(), "--tokens-file", tmp_path / "ids", "--out", out)
    logits = np.load(out).astype(np.float64)
    rows = logits - np.log(np.exp(logits - logits.max(1, keepdims=True)).sum(1, keepdims=True)) \
        - logits.max(1, keepdims=True)
    answer = complete(client, prompt=prompt, max_tokens=0, echo=True, logprobs=2)
    told = answer.choices[0].logprobs
    assert answer.choices[0].text == prompt == "".join(told.tokens)
    assert answer.usage.completion_tokens == 0 and len(told.tokens) == len(ids)
    assert told.token_logprobs[0] is None
    expected = [row[token] for row, token in zip(rows, ids[1:])]
    np.testing.assert_allclose(told.token_logprobs[1:], expected, atol=1e-4)
    for row, top in zip(rows, told.top_logprobs[1:]):
        best = sorted(row, reverse=True)[:2]
        np.testing.assert_allclose(sorted(top.values(), reverse=True)[:2], best, atol=1e-4)
    assert told.text_offset == [len("".join(told.tokens[:i])) for i in range(len(ids))]
    one_more = complete(client, prompt=prompt, max_tokens=1, echo=True, logprobs=2).choices[0]
    assert one_more.logprobs.token_logprobs[:-1] == told.token_logprobs
    assert one_more.logprobs.token_logprobs[-1] == pytest.approx(rows[-1].max(), abs=1e-4)


def test_logprobs_of_a_chat(client):
    answer = chat(client, logprobs=True, top_logprobs=3).choices[0]
    content = answer.logprobs.content
    assert len(content) == 12
    assert b"".join(bytes(token.bytes) for token in content).decode() == answer.message.content
    for token in content:
        values = [top.logprob for top in token.top_logprobs]
        assert len(values) == 3 and values == sorted(values, reverse=True)
        assert token.logprob == values[0] <= 0  # greedy takes the likeliest
        assert token.top_logprobs[0].token == token.token
    chunks = list(chat(client, logprobs=True, top_logprobs=3, stream=True))
    streamed = [token for chunk in chunks for token in
                (chunk.choices[0].logprobs.content if chunk.choices[0].logprobs else None) or []]
    assert streamed == content


def test_choices_and_seeds(client):
    def texts(seed):
        answer = chat(client, messages=STORY, n=3, seed=seed, temperature=1.0)
        return [choice.message.content for choice in answer.choices]
    first = texts(1)
    assert len(set(first)) == 3
    assert texts(1) == first
    assert texts(2) != first
    streamed = ["", "", ""]
    for chunk in chat(client, messages=STORY, n=3, seed=1, temperature=1.0, stream=True):
        streamed[chunk.choices[0].index] += chunk.choices[0].delta.content or ""
    assert streamed == first


def test_stop_strings_end_an_answer(client):
    whole = complete(client, prompt="One, two, three,", max_tokens=16).choices[0]
    assert whole.finish_reason == "length"
    # From the middle of one token to the middle of another.
    stop = whole.text[6:13]
    for stops in stop, ["never", stop]:
        cut = complete(client, prompt="One, two, three,", max_tokens=16, stop=stops).choices[0]
        assert cut.text == whole.text[:whole.text.index(stop)] and cut.finish_reason == "stop"
        chunks = complete(client, prompt="One, two, three,", max_tokens=16, stop=stops, stream=True)
        assert "".join(chunk.choices[0].text for chunk in chunks) == cut.text


def test_logit_bias(client, server):
    usual = complete(client, max_tokens=1).choices[0].text
    token, = server.post("/tokenize", content=usual)["tokens"]
    banned = complete(client, max_tokens=1, logit_bias={str(token): -100}).choices[0].text
    assert banned != usual
    forced, = server.post("/tokenize", content=" river")["tokens"]
    answer = complete(client, max_tokens=3, logit_bias={str(forced): 100})
    assert answer.choices[0].text == " river river river"


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_length_is_bounded(client, name):
    answer = client.chat.completions.create(**GREEDY, messages=ASK, **{name: 3})
    assert answer.usage.completion_tokens == 3
    assert answer.choices[0].finish_reason == "length"


def test_ignore_eos_makes_the_length_exact(client):
    answer = chat(client, max_tokens=50, extra_body={"ignore_eos": True})
    assert answer.usage.completion_tokens == 50 and answer.choices[0].finish_reason == "length"


def test_embeddings_as_numbers_and_as_base64(client, server):
    texts = ["The river is wide.", "A wide river.", "Stocks fell on Monday."]
    def embed(given, **more):
        answer = client.embeddings.create(model=MODEL, input=given, **more)
        assert [row.index for row in answer.data] == list(range(len(answer.data)))
        assert answer.usage.prompt_tokens == answer.usage.total_tokens > 0
        return np.array([row.embedding for row in answer.data], dtype=np.float32)
    usual = embed(texts)  # the package asks for base64 by itself
    assert usual.shape == (3, 576)
    np.testing.assert_allclose(np.linalg.norm(usual, axis=1), 1, atol=1e-5)
    assert (embed(texts, encoding_format="float") == usual).all()
    assert (embed(texts[1]) == usual[1]).all()
    ids = [server.post("/tokenize", content=text)["tokens"] for text in texts]
    assert (embed(ids) == usual).all()
    assert usual[0] @ usual[1] > usual[0] @ usual[2]
    shorter = embed(texts[0], dimensions=64)[0]
    np.testing.assert_allclose(shorter, usual[0][:64] / np.linalg.norm(usual[0][:64]), atol=1e-6)


@pytest.mark.parametrize(("field", "more"), [
    ("temperature", {"temperature": -1}),
    ("top_p", {"top_p": 7}),
    ("max_tokens", {"max_tokens": -5}),
    ("n", {"n": 100000}),
    ("stop", {"stop": ["x"] * 1000}),
    ("top_logprobs", {"logprobs": True, "top_logprobs": 21}),
    ("logit_bias", {"logit_bias": {"999999999": 1}}),
    ("messages", {"messages": []}),
    ("messages[0].role", {"messages": [{"content": "x"}]}),
    ("tools", {"tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}]}),
    ("response_format.type", {"response_format": {"type": "json_object"}}),
])
def test_a_wrong_field_is_named(client, field, more):
    with pytest.raises(openai.BadRequestError) as caught:
        chat(client, **more)
    assert caught.value.param == field
    assert field in caught.value.message


def test_errors_of_their_kinds(client, server):
    with pytest.raises(openai.NotFoundError) as caught:
        chat(client, model="no-such-model")
    assert "no-such-model" in caught.value.message and caught.value.param == "model"
    with pytest.raises(openai.NotFoundError):
        chat(client, model=str(serving.model_path()))  # no request ever names a path
    with pytest.raises(openai.BadRequestError) as caught:
        complete(client, prompt=[504] * 9000)
    assert caught.value.code == "context_length_exceeded"
    assert "8192" in caught.value.message and "9000" in caught.value.message
    assert server.ask("GET", "/v1/chat/completions").status == 405
    assert server.ask("GET", "/v1/nothing").status == 404


def test_responses(client):
    whole = client.responses.create(model=MODEL, input=QUESTION, temperature=0,
                                    max_output_tokens=40)
    assert "Paris" in whole.output_text and whole.status == "completed"
    assert whole.usage.output_tokens > 3 and whole.usage.input_tokens > 10
    events = list(client.responses.create(model=MODEL, input=QUESTION, temperature=0,
                                          max_output_tokens=40, stream=True))
    kinds = [event.type for event in events]
    assert kinds[0] == "response.created" and kinds[-1] == "response.completed"
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert "".join(deltas) == whole.output_text and len(deltas) > 3
    assert events[-1].response.output_text == whole.output_text
    assert [event.sequence_number for event in events] == list(range(len(events)))


@pytest.mark.parametrize("text", [
    "Hi there.", "naïve 北京 🙂\n\tx", "<|im_start|>user\nHi<|im_end|>"])
def test_tokens_and_back(server, text):
    flags = ["--special"] if "<|" in text else []
    expected = json.loads(serving.program("tokenize", serving.model_path(), "--json", *flags,
                                          stdin=text.encode()))
    tokens = server.post("/tokenize", content=text)["tokens"]
    assert tokens == expected
    assert server.post("/detokenize", tokens=tokens)["content"] == text


def test_a_template_makes_the_prompt_that_a_chat_has(client, server):
    prompt = server.post("/apply-template", messages=ASK)["prompt"]
    assert QUESTION in prompt and prompt.endswith("<|im_start|>assistant\n")
    tokens = server.post("/tokenize", content=prompt)["tokens"]
    answer = chat(client, max_tokens=40)
    assert answer.usage.prompt_tokens == len(tokens)
    assert complete(client, prompt=tokens, max_tokens=40).choices[0].text == \
        answer.choices[0].message.content


def test_every_reply_has_its_timings(server):
    body = {"messages": ASK, "max_tokens": 4, "temperature": 0}
    timings = server.post("/v1/chat/completions", **body)["timings"]
    assert all(value >= 0 for value in timings.values()) and len(timings) >= 5
