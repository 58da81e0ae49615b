"""What is asked, and how near to the floor it has to come."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from httpx2 import Client, Response

from tests.load.bench.stage import SUMMARIES, Server, Stage
from tests.load.bench.wrk import Request

JSON = ("Content-Type", "application/json")
PAGE = '{"url":"https://example.com/a","title":"t","description":"d"}'
# More than one worker answers in a second: of what may be asked only once, so many are prepared.
READS_A_SECOND, WRITES_A_SECOND = 3000, 2000


@dataclass(frozen=True, slots=True)
class Target:
    """`base`: the target that `goal` and `least` are shares of; a burst asks what `requests` gives for it.

    `status` is that of every answer; `once`: a burst that began anew measured something else.
    """

    name: str
    server: Server
    requests: Callable[[float], Sequence[Request]]
    status: int = 200
    base: str | None = None
    goal: float = 0.0
    least: float = 0.0
    once: bool = False


def targets_of(stage: Stage) -> list[Target]:
    return [*_floor(stage), *_reads(stage), *_writes(stage)]


def _floor(stage: Stage) -> list[Target]:
    opened = (("Authorization", f"Bearer {stage.floor_token}"),)
    post = Request("/row", (*opened, JSON), "POST", PAGE)
    return [
        Target("floor GET /hello", stage.floor, _same(Request("/hello"))),
        Target("floor GET /cached", stage.floor, _same(Request("/cached", opened))),
        Target("floor GET /row", stage.floor, _same(Request("/row", opened))),
        Target("floor POST /row", stage.floor, _same(post), status=201),
    ]


def _reads(stage: Stage) -> list[Target]:
    cast, cached, row = stage.cast, "floor GET /cached", "floor GET /row"
    bearer, key = (tuple(who.headers.items()) for who in (cast.reader, cast.robot))
    one = f"{SUMMARIES}/{cast.summaries[0]}"
    tag = ("If-None-Match", ask(stage.api, Request(one, bearer)).headers["ETag"])
    cold = (Request(f"{SUMMARIES}/{each}", bearer) for each in cast.summaries[1:])
    page = Request(f"{SUMMARIES}?limit=20", bearer)
    warm = "GET /summaries/{id}, bearer"
    return [
        Target(warm, stage.api, _same(Request(one, bearer)), base=cached, goal=1.0, least=0.6),
        Target("the same, API key", stage.api, _same(Request(one, key)), base=warm, goal=0.95, least=0.85),
        Target(
            "the same, 304", stage.api, _same(Request(one, (*bearer, tag))), 304, cached, goal=1.1, least=0.7
        ),
        Target(
            "GET /summaries/{id}, cold",
            stage.api,
            _next(cold, READS_A_SECOND),
            base=row,
            goal=0.6,
            least=0.4,
            once=True,
        ),
        Target("GET /summaries?limit=20", stage.api, _same(page), base=row, goal=0.5, least=0.3),
    ]


def _writes(stage: Stage) -> list[Target]:
    cast, post = stage.cast, "floor POST /row"
    refreshes = (
        Request("/api/v1/auth/refresh", (JSON,), "POST", f'{{"refresh_token":"{token}"}}')
        for token in cast.refresh_tokens
    )
    submit, refresh = (_next(each, WRITES_A_SECOND) for each in (_submissions(stage), refreshes))
    return [
        Target("POST /summaries", stage.api, submit, 202, post, goal=0.4, least=0.25, once=True),
        Target("POST /auth/refresh", stage.api, refresh, 200, post, goal=0.5, least=0.3, once=True),
    ]


def _submissions(stage: Stage) -> Iterator[Request]:
    """Of all tenants by turns, each with a key of its own."""
    for number in itertools.count():
        writer = stage.cast.writers[number % len(stage.cast.writers)]
        headers = (*writer.headers.items(), JSON, ("Idempotency-Key", f"bench-{number}"))
        body = f'{{"url":"https://example.com/{number}","title":"t","notes":"d"}}'
        yield Request(SUMMARIES, headers, "POST", body)


def _same(request: Request) -> Callable[[float], Sequence[Request]]:
    return lambda _seconds: [request]


def _next(requests: Iterator[Request], many: int) -> Callable[[float], Sequence[Request]]:
    """Others at every burst, `many` for each of its seconds."""
    return lambda seconds: list(itertools.islice(requests, int(seconds * many)))


def ask(server: Server, request: Request) -> Response:
    with Client(base_url=server.url, trust_env=False) as client:
        return client.request(
            request.method, request.path, headers=dict(request.headers), content=request.body or None
        )
