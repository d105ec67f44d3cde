"""`handmill serve` as the anthropic package sees it, with the real default model."""

import anthropic
import pytest

import serving
from serving import MODEL, QUESTION

pytestmark = serving.needed
ASK = [{"role": "user", "content": QUESTION}]
GREEDY = {"model": MODEL, "messages": ASK, "max_tokens": 40, "temperature": 0}


@pytest.fixture(scope="module")
def server():
    with serving.running() as one:
        yield one


@pytest.fixture(scope="module")
def client(server):
    return anthropic.Anthropic(base_url=server.url, api_key="none", max_retries=0, timeout=300)


def create(client, **more):
    """Other fields than the package's own, so that temperature is sent as it is."""
    body = GREEDY | more
    extra = {name: body.pop(name) for name in ("temperature", "top_p", "top_k") if name in body}
    return client.messages.create(**body, extra_body=extra)


def test_a_message(client):
    message = create(client)
    block, = message.content
    assert block.type == "text" and "Paris" in block.text
    assert message.type == "message" and message.role == "assistant" and message.model == MODEL
    assert message.stop_reason == "end_turn" and message.stop_sequence is None
    assert message.id.startswith("msg_")
    assert message.usage.input_tokens + (message.usage.cache_read_input_tokens or 0) > 10
    assert message.usage.output_tokens > 3


def test_a_streamed_message_is_the_same(client):
    whole = create(client)
    events = list(create(client, stream=True))
    kinds = [event.type for event in events if event.type != "ping"]
    pieces = kinds.count("content_block_delta")
    assert pieces > 3
    assert kinds == ["message_start", "content_block_start", *["content_block_delta"] * pieces,
                     "content_block_stop", "message_delta", "message_stop"]
    text = "".join(event.delta.text for event in events if event.type == "content_block_delta")
    assert text == whole.content[0].text
    last = next(event for event in events if event.type == "message_delta")
    assert last.delta.stop_reason == "end_turn"
    assert last.usage.output_tokens == whole.usage.output_tokens


def test_the_package_gathers_a_stream(client):
    body = {name: value for name, value in GREEDY.items() if name != "temperature"}
    with client.messages.stream(**body, extra_body={"temperature": 0}) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert final.content[0].text == text == create(client).content[0].text


def test_why_it_stops(client):
    short = create(client, max_tokens=3)
    assert short.stop_reason == "max_tokens" and short.usage.output_tokens == 3
    whole = create(client).content[0].text
    word = whole[8:14]
    stopped = create(client, stop_sequences=["never", word])
    assert stopped.stop_reason == "stop_sequence" and stopped.stop_sequence == word
    assert stopped.content[0].text == whole[:whole.index(word)]


def test_system_prompts_blocks_and_turns(client, server):
    blocks = create(client, system=[{"type": "text", "text": "Answer in French."}],
                    messages=[{"role": "user", "content": [{"type": "text", "text": "Hi."}]},
                              {"role": "assistant", "content": "Bonjour."}, *ASK])
    same = create(client, system="Answer in French.",
                  messages=[{"role": "user", "content": "Hi."},
                            {"role": "assistant", "content": "Bonjour."}, *ASK])
    assert blocks.content[0].text == same.content[0].text
    openai = server.post("/v1/chat/completions", model=MODEL, temperature=0, max_tokens=40,
                         messages=[{"role": "system", "content": "Answer in French."},
                                   {"role": "user", "content": "Hi."},
                                   {"role": "assistant", "content": "Bonjour."}, *ASK])
    assert openai["choices"][0]["message"]["content"] == same.content[0].text


def test_count_tokens(client):
    counted = client.messages.count_tokens(model=MODEL, messages=ASK, system="Be brief.")
    usage = create(client, system="Be brief.").usage
    assert counted.input_tokens == usage.input_tokens + (usage.cache_read_input_tokens or 0)


@pytest.mark.parametrize(("error", "word", "more"), [
    (anthropic.NotFoundError, "no-such-model", {"model": "no-such-model"}),
    (anthropic.BadRequestError, "max_tokens", {"max_tokens": 0}),
    (anthropic.BadRequestError, "temperature", {"temperature": -1}),
    (anthropic.BadRequestError, "messages", {"messages": []}),
    (anthropic.BadRequestError, "role", {"messages": [{"role": "robot", "content": "x"}]}),
    (anthropic.BadRequestError, "tools", {"tools": [{"name": "f", "input_schema": {
        "type": "object"}}]}),
    (anthropic.BadRequestError, "image", {"messages": [{"role": "user", "content": [
        {"type": "image", "source": {"type": "url", "url": "http://127.0.0.1/x.png"}}]}]}),
    (anthropic.BadRequestError, "8192", {"messages": [{"role": "user",
                                                       "content": "river " * 9000}]}),
])
def test_errors(client, error, word, more):
    with pytest.raises(error) as caught:
        create(client, **more)
    assert word in caught.value.message
    assert caught.value.body["type"] == "error" and caught.value.body["error"]["message"]
