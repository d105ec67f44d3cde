"""Many clients of one `handmill serve` at once: the same answers as alone, clients that leave, a
queue that is full, and a server that is told to end."""

import time

import pytest

import serving
from serving import MODEL

pytestmark = serving.needed
STREAMS = 16
PREFIX = "You are a careful editor who lives in a small town near the sea. " * 6
PROMPTS = [PREFIX * (i % 2) + f"Story number {i}: the old man told his son that" for i in
           range(STREAMS)]


def asked(number):
    """Greedy and sampled streams, with logprobs, which tell more than the text does."""
    return {"prompt": PROMPTS[number], "max_tokens": 24, "ignore_eos": True, "logprobs": 3,
            "stream_options": {"include_usage": True}, "seed": number,
            "temperature": 0 if number % 4 else 1}


def answer(server, number):
    """Text, tokens with their logprobs, and how many of the prompt's tokens were in the cache."""
    text, tokens, cached = "", [], 0
    for event in server.stream(**asked(number)).events():
        for choice in event["choices"]:
            text += choice["text"]
            if choice.get("logprobs"):
                told = choice["logprobs"]
                tokens += zip(told["tokens"], told["token_logprobs"], told["top_logprobs"])
        if event.get("usage"):
            assert event["usage"]["completion_tokens"] == 24
            cached = event["usage"]["prompt_tokens_details"]["cached_tokens"]
    assert len(tokens) == 24
    return text, tokens, cached


def all_at_once(server):
    return serving.at_once(*[lambda i=i: answer(server, i) for i in range(STREAMS)])


@pytest.fixture(scope="module")
def alone():
    """Each stream by itself, on a server of its own."""
    with serving.running() as server:
        return [answer(server, i)[:2] for i in range(STREAMS)]


@pytest.fixture(scope="module")
def server():
    with serving.running() as one:
        yield one


def test_streams_are_the_same_among_others_cold_and_hot(server, alone):
    assert len({text for text, _ in alone}) > STREAMS / 2  # or it would prove little
    cold = all_at_once(server)
    hot = all_at_once(server)
    assert [one[:2] for one in cold] == alone  # bit for bit, logprobs too
    assert [one[:2] for one in hot] == alone
    # The last token at least is computed, and blocks are found whole.
    assert all(cached > 0 for _, _, cached in hot[1::2])
    assert server.metric("vllm:prefix_cache_hits_total") >= sum(cached for _, _, cached in hot)
    server.wait_until_idle()


def long_prompt():
    """Thousands of tokens that no cache has."""
    return [1000 + (time.monotonic_ns() // 1000 + 7 * i) % 30000 for i in range(3000)]


def leaves_in_decode(server):
    stream = server.stream(prompt=f"Once upon a time {time.monotonic()}", max_tokens=4000,
                           ignore_eos=True)
    events = stream.events()
    for _ in range(3):
        next(events)
    assert server.metric("vllm:num_requests_running") == 1
    return [stream]


def leaves_in_prefill(server):
    stream = server.stream(prompt=long_prompt(), max_tokens=50)
    server.wait_until("vllm:num_requests_running", 1)
    return [stream]


def leaves_at_once(server):
    return [server.stream(prompt=long_prompt(), max_tokens=50) for _ in range(24)]


def leaves_without_a_stream(server):
    stream = server.stream(prompt="Once upon a time", max_tokens=4000, ignore_eos=True,
                           stream=False)
    server.wait_until("vllm:num_requests_running", 1)
    return [stream]


@pytest.mark.parametrize("leaves", [leaves_in_decode, leaves_in_prefill, leaves_at_once,
                                    leaves_without_a_stream])
def test_who_leaves_leaves_nothing(server, leaves):
    server.wait_until_idle()
    open_before = server.metric("handmill_connections")
    for stream in leaves(server):
        stream.close()
    server.wait_until("vllm:num_requests_running", 0, seconds=20)
    server.wait_until("vllm:num_requests_waiting", 0, seconds=20)
    server.wait_until("vllm:kv_cache_usage_perc", 0, seconds=20)
    server.wait_until("handmill_connections", open_before, seconds=20)
    assert answer(server, 1)[0]  # and it goes on


def test_one_who_leaves_does_not_disturb_the_others(server, alone):
    stream = server.stream(prompt="Once upon a time", max_tokens=4000, ignore_eos=True)
    next(stream.events())
    def leave():
        time.sleep(0.3)
        stream.close()
    *answers, _ = serving.at_once(*[lambda i=i: answer(server, i) for i in range(4)], leave)
    assert [one[:2] for one in answers] == alone[:4]


def test_a_full_queue_refuses_at_once_and_says_when_to_come_back():
    with serving.running("--queue", 2, "--parallel", 1) as server:
        body = {"model": MODEL, "prompt": "Once upon a time", "max_tokens": 40,
                "ignore_eos": True, "temperature": 0}
        answers = serving.at_once(*[lambda: server.ask("POST", "/v1/completions", body)] * 24)
        by_status = {status: [one for one in answers if one.status == status]
                     for status in (200, 503)}
        assert len(by_status[200]) + len(by_status[503]) == 24
        assert len(by_status[200]) >= 2 and len(by_status[503]) >= 12
        for refused in by_status[503]:
            assert int(refused.headers["retry-after"]) >= 1
            assert refused.json["error"]["type"] == "overloaded_error"
        assert len({one.json["choices"][0]["text"] for one in by_status[200]}) == 1
        assert server.ask("POST", "/v1/completions", body).status == 200


@pytest.fixture
def mortal(tmp_path):
    """A server that may end within the test."""
    one = serving.Server(tmp_path)
    one.wait_until_up()
    yield one
    one.end()


def test_an_end_waits_for_the_answers_on_their_way(mortal):
    events = mortal.stream(prompt="Once upon a time", max_tokens=60, ignore_eos=True,
                           stream_options={"include_usage": True}).events()
    next(events)
    rest, code = serving.at_once(lambda: list(events), mortal.stop)
    assert rest[-1]["usage"]["completion_tokens"] == 60
    assert code == 0, mortal.log
    with pytest.raises(OSError):
        mortal.ask("GET", "/health")


def test_an_idle_server_ends_at_once(mortal):
    assert mortal.stop() == 0
