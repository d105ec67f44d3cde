"""What bench/serve asks of a server. A scenario beside the peer gives the generator's figures; an
endurance test of handmill alone gives named numbers."""

import time
from typing import NamedTuple

from compare_programs import CompareError
from serve_programs import Watch, serving


class Sizes(NamedTuple):
    """How much is asked."""
    users: int
    alone: int  # requests of the user who is alone
    each: int  # requests of each user among others
    prompt: int
    output: int
    prefix: int  # what prompts share, in the scenarios in which they do
    streams: int
    leaving: int
    settle: int  # seconds until what was asked must have ended
    goal: str


class Measure(NamedTuple):
    """A figure of a scenario. `path`: where the generator tells it."""
    title: str
    unit: str
    path: tuple
    scale: float = 1
    less_is_better: bool = True

    def of(self, figures):
        value = figures
        for name in self.path:
            value = value[name]
        return value * self.scale


MEASURES = [
    Measure("output", "tok/s", ("output_tok_s",), less_is_better=False),
    Measure("prompt and output", "tok/s", ("total_tok_s",), less_is_better=False),
    Measure("TTFT p50", "s", ("ttft_s", "p50")),
    Measure("TTFT p95", "s", ("ttft_s", "p95")),
    Measure("TPOT p50", "ms", ("tpot_s", "p50"), 1000),
    Measure("between pieces p95", "ms", ("itl_s", "p95"), 1000),
]

SCENARIOS = {
    "one": "one user",
    "many": "{users} users",
    "cold": "{users} cold users, {prefix} tokens shared",
    "warm": "{users} warm users, {prefix} tokens shared",
}


def title(name, sizes):
    return SCENARIOS[name].format(**sizes._asdict())


def ask(load, server, name, sizes, round_number):
    """Prompts of every round and scenario are others, but for the prefix that warm users have in
    common with the cold ones before them."""
    seed = 100 * round_number + list(SCENARIOS).index(name) + 1
    shape = {"seed": seed, "prompt": sizes.prompt, "output": sizes.output}
    if name in ("cold", "warm"):
        shape |= {"prefix": sizes.prefix, "prefix_seed": round_number + 1,
                  "prompt": sizes.prefix + sizes.prompt // 4}
    users = 1 if name == "one" else sizes.users
    # Cold users ask once: whoever asks again is warm.
    requests = {"one": sizes.alone, "many": users * sizes.each}.get(name, users)
    if sizes.goal:
        shape["goodput"] = sizes.goal
    figures = load.run(server, users=users, requests=requests, **shape)
    if figures["whole"] != figures["requests"]:
        raise CompareError(f"{server.name}, {title(name, sizes)}: {figures['failed']} of "
                           f"{figures['requests']} requests failed: {figures['errors']} "
                           f"{figures['details']}")
    return figures


def beside(engine, load, file, names, sizes, round_number, told):
    """{scenario: figures} of a server that is new."""
    found = {}
    with serving(engine, file, queue=4 * sizes.users) as server:
        for name in names:
            told(f"{engine.name}, {title(name, sizes)}")
            if name == "warm" and "cold" not in names:
                ask(load, server, "cold", sizes, round_number)
            found[name] = ask(load, server, name, sizes, round_number)
    return found


def settle(server, limit_s):
    """Waits until nothing runs; what is left then is left for good: figures and facts."""
    until = time.monotonic() + limit_s
    while time.monotonic() < until:
        metrics = server.metrics()
        if not metrics["vllm:num_requests_running"] and not metrics["vllm:num_requests_waiting"]:
            break
        time.sleep(0.1)
    time.sleep(1)  # sockets and threads that are on their way out
    facts = server.facts()  # first: asking for figures takes a socket of its own
    return server.metrics(), facts


def streams(engine, load, file, sizes):
    """As many connected streams as asked, in a server whose queue takes them; what each costs is
    what they hold beyond a tenth of them."""
    few = max(1, sizes.streams // 10)
    shape = {"prompt": 16, "output": 8}
    with serving(engine, file, queue=2 * sizes.streams) as server:
        load.run(server, users=few, requests=few, seed=1, **shape)
        with Watch(server) as before:
            load.run(server, users=few, requests=few, seed=2, **shape)
        with Watch(server) as during:
            figures = load.run(server, users=sizes.streams, requests=sizes.streams, seed=3, **shape)
        more = during.most.anonymous_bytes - before.most.anonymous_bytes
        return {
            "streams at once": figures["peak_open"],
            "whole answers": figures["whole"],
            "failed": figures["failed"],
            "failed, other than 503": figures["failed"] - figures["errors"].get("http 503", 0),
            "memory of a stream, KB": more / (sizes.streams - few) / 1000,
            "memory in all, MB": during.most.anonymous_bytes / 1e6,
            "threads": during.most.threads,
        }


def leaving(engine, load, file, sizes):
    """Many requests of which a third leave; then the server must hold what it held before."""
    shape = {"prompt": "4-32", "output": "1-8", "disconnect": 0.33, "disconnect_within": 1,
             "users": 4 * sizes.users}
    with serving(engine, file, queue=8 * sizes.users) as server:
        load.run(server, requests=max(1, sizes.leaving // 10), seed=1, **shape)
        metrics_before, before = settle(server, sizes.settle)
        figures = load.run(server, requests=sizes.leaving, seed=2, **shape)
        metrics, after = settle(server, sizes.settle)
        used = "vllm:kv_cache_usage_perc"
        return {
            "requests": figures["requests"],
            "left early": figures["left"],
            "failed": figures["failed"],
            "still running": metrics["vllm:num_requests_running"],
            "still waiting": metrics["vllm:num_requests_waiting"],
            "cache in use more than before, %": 100 * (metrics[used] - metrics_before[used]),
            "descriptors more than before": after.descriptors - before.descriptors,
            "threads more than before": after.threads - before.threads,
            "memory more than before, MB": (after.anonymous_bytes - before.anonymous_bytes) / 1e6,
        }


ENDURANCE = {"streams": streams, "leaving": leaving}
