"""What is asked, and what a good answer to it is."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from urllib.parse import urlencode

from httpx2 import Response

from tests.factories import PASSWORD
from tests.load.bench.demands import (
    CACHED,
    COLD,
    HELLO,
    LOG_IN,
    PAGE,
    POST_ROW,
    REFRESH,
    ROW,
    SUBMIT,
    WARM,
    WARM_304,
    WARM_KEY,
)
from tests.load.bench.stage import SUMMARIES, Stage
from tests.load.bench.target import Hashing, Target, ask
from tests.load.bench.wrk import Request

JSON = ("Content-Type", "application/json")
FORM = ("Content-Type", "application/x-www-form-urlencoded")
FLOORS_BODY = '{"url":"https://example.com/a","title":"t","description":"d"}'
PAGE_LENGTH = 20
# More than one worker answers in a second: of what may be asked only once, so many are prepared.
READS_A_SECOND, WRITES_A_SECOND = 6000, 3000


def targets_of(stage: Stage) -> list[Target | Hashing]:
    return [*_floor(stage), *_reads(stage), *_writes(stage), Hashing(), _log_in(stage)]


def _floor(stage: Stage) -> list[Target]:
    opened = (("Authorization", f"Bearer {stage.floor_token}"),)
    post = Request("/row", (*opened, JSON), "POST", FLOORS_BODY)
    return [
        Target(HELLO, stage.floor, _same(Request("/hello")), _has("message")),
        Target(CACHED, stage.floor, _same(Request("/cached", opened)), _has("id", "summary")),
        Target(ROW, stage.floor, _same(Request("/row", opened)), _has("id", "summary")),
        Target(POST_ROW, stage.floor, _same(post), _has("id", "created_at"), 201),
    ]


def _reads(stage: Stage) -> list[Target]:
    cast = stage.cast
    bearer, key = (tuple(who.headers.items()) for who in (cast.reader, cast.robot))
    one = f"{SUMMARIES}/{cast.summaries[0]}"
    tag = ("If-None-Match", ask(stage.api, Request(one, bearer)).headers["ETag"])
    cold = (Request(f"{SUMMARIES}/{each}", bearer) for each in cast.summaries[1:])
    page = Request(f"{SUMMARIES}?limit={PAGE_LENGTH}", bearer)
    return [
        Target(WARM, stage.api, _same(Request(one, bearer)), _is_the_summary),
        Target(WARM_KEY, stage.api, _same(Request(one, key)), _is_the_summary),
        Target(WARM_304, stage.api, _same(Request(one, (*bearer, tag))), _has_no_body, 304),
        Target(COLD, stage.api, _next(cold, READS_A_SECOND), _is_the_summary, once=True),
        Target(PAGE, stage.api, _same(page), _is_a_page),
    ]


def _writes(stage: Stage) -> list[Target]:
    submit, refresh = (_next(each, WRITES_A_SECOND) for each in (_submissions(stage), _refreshes(stage)))
    return [
        Target(SUBMIT, stage.api, submit, _is_accepted, 202, once=True),
        Target(REFRESH, stage.api, refresh, _has("access_token", "refresh_token"), once=True),
    ]


def _log_in(stage: Stage) -> Target:
    """All people of the cast by turns."""
    names = [person.username for person in stage.cast.writers]
    forms = [urlencode({"username": name, "password": PASSWORD}) for name in names]
    logins = [Request("/api/v1/auth/token", (FORM,), "POST", form) for form in forms]
    return Target(LOG_IN, stage.api, lambda _seconds: logins, _has("access_token"), lagging=True)


def _submissions(stage: Stage) -> Iterator[Request]:
    """Of all tenants by turns, each with a key of its own."""
    for number in itertools.count():
        writer = stage.cast.writers[number % len(stage.cast.writers)]
        headers = (*writer.headers.items(), JSON, ("Idempotency-Key", f"bench-{number}"))
        body = f'{{"url":"https://example.com/{number}","title":"t","notes":"d"}}'
        yield Request(SUMMARIES, headers, "POST", body)


def _refreshes(stage: Stage) -> Iterator[Request]:
    for token in stage.cast.refresh_tokens:
        yield Request("/api/v1/auth/refresh", (JSON,), "POST", f'{{"refresh_token":"{token}"}}')


def _same(request: Request) -> Callable[[float], Sequence[Request]]:
    return lambda _seconds: [request]


def _next(requests: Iterator[Request], many: int) -> Callable[[float], Sequence[Request]]:
    """Others at every burst, `many` for each of its seconds."""
    return lambda seconds: list(itertools.islice(requests, int(seconds * many)))


def _has(*names: str) -> Callable[[Request, Response], bool]:
    return lambda _request, answer: all(answer.json().get(name) for name in names)


def _is_the_summary(request: Request, answer: Response) -> bool:
    found = answer.json()
    return request.path.endswith(found["id"]) and found["status"] == "ready" and bool(found["summary"])


def _has_no_body(request: Request, answer: Response) -> bool:
    return not answer.content and answer.headers["ETag"] == dict(request.headers)["If-None-Match"]


def _is_a_page(_request: Request, answer: Response) -> bool:
    return len({item["id"] for item in answer.json()["items"]}) == PAGE_LENGTH


def _is_accepted(_request: Request, answer: Response) -> bool:
    return answer.headers["Location"].endswith(f"{SUMMARIES}/{answer.json()['id']}")
