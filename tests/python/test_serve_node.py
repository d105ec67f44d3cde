"""`handmill serve` as the openai package and the AI SDK of Node see it.

Environment: HANDMILL_NODE_MODULES what npm made of tests/node/package-lock.json."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

import serving
from serving import MODEL, QUESTION

SCRIPT = Path(__file__).resolve().parents[1] / "node/clients.mjs"

pytestmark = [serving.needed, pytest.mark.skipif(
    "HANDMILL_NODE_MODULES" not in os.environ and "HANDMILL_REQUIRE_MODELS" not in os.environ,
    reason="HANDMILL_NODE_MODULES is not set")]


@pytest.fixture(scope="module")
def server():
    with serving.running() as one:
        yield one


@pytest.fixture(scope="module")
def seen(server, tmp_path_factory):
    """Node looks for packages beside a script, so it gets a copy there."""
    folder = tmp_path_factory.mktemp("node")
    (folder / "node_modules").symlink_to(os.environ["HANDMILL_NODE_MODULES"])
    shutil.copy(SCRIPT, folder)
    done = subprocess.run(["node", folder / SCRIPT.name, server.url, MODEL, QUESTION],
                          capture_output=True, text=True, timeout=300,
                          env=os.environ | {"AI_SDK_LOG_WARNINGS": "false"})
    assert done.returncode == 0, done.stderr + server.log
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def expected(server):
    answer = server.post("/v1/chat/completions", model=MODEL, temperature=0, max_tokens=40,
                         messages=[{"role": "user", "content": QUESTION}])
    return answer["choices"][0]["message"]["content"], answer["usage"]


def test_openai(seen, expected, server):
    text, usage = expected
    assert "Paris" in text
    assert seen["models"] == [MODEL]
    assert seen["chat"] == seen["streamed"] == text and seen["pieces"] > 3
    assert seen["chatFinish"] == "stop"
    for told in seen["chatUsage"], seen["streamedUsage"]:
        assert told["completion_tokens"] == usage["completion_tokens"]
        assert told["prompt_tokens"] == usage["prompt_tokens"]
    assert "Paris" in seen["completion"] and seen["completion"] == seen["completionStreamed"]
    embedding = server.post("/v1/embeddings", model=MODEL, input="The river is wide.")
    assert seen["embedding"] == pytest.approx(embedding["data"][0]["embedding"], abs=1e-7)
    assert seen["error"]["status"] == 404 and seen["error"]["param"] == "model"


def test_ai_sdk(seen, expected):
    text, usage = expected
    assert seen["sdk"] == seen["sdkStreamed"] == text
    assert seen["sdkFinish"] == seen["sdkStreamedFinish"] == "stop"
    for told in seen["sdkUsage"], seen["sdkStreamedUsage"]:
        assert told["outputTokens"] == usage["completion_tokens"]
        assert told["inputTokens"] == usage["prompt_tokens"]
    assert seen["sdkEmbedding"] == pytest.approx(seen["embedding"], abs=1e-7)
    assert seen["sdkError"]["status"] == 404 and "no-such-model" in seen["sdkError"]["message"]


def test_the_client_that_left_is_gone(seen, server):
    assert seen
    server.wait_until_idle()
