"""Many refreshes of one token at once, then a replay: does one session live, and then none?

`python -m tests.load.refresh_storm [--storms 1000] [--callers 10]` starts two gunicorn workers, a PostgreSQL
and a Valkey. Each storm is a session of its own; what is counted is said in `report`.
"""

import argparse
import asyncio
import statistics
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fastapi import FastAPI
from httpx2 import AsyncClient, Limits, Response

from app.auth.repository import SessionRepository
from app.core.db import Tenant
from app.core.principal import Scope
from app.main import create_app
from tests.factories import Factory, Person
from tests.load.fleet import fleet

ME, REFRESH = "/api/v1/users/me", "/api/v1/auth/refresh"
BOUND_SECONDS = 2.0
# In a row, over connections that gunicorn's workers share: each has been asked by then.
REFUSALS_IN_A_ROW = 6


@dataclass(frozen=True, slots=True)
class Storm:
    """`pairs` counts distinct refresh tokens handed out; `dead_after` in seconds from the replay's answer."""

    statuses: Counter[int]
    pairs: int
    working: bool
    living: bool
    replay_detected: bool
    dead_after: float


async def refresh(client: AsyncClient, token: str) -> Response:
    return await client.post(REFRESH, json={"refresh_token": token})


async def opens(client: AsyncClient, pair: Response) -> bool:
    headers = {"Authorization": f"Bearer {pair.json()['access_token']}"}
    return (await client.get(ME, headers=headers)).is_success


async def storm(client: AsyncClient, app: FastAPI, person: Person, *, callers: int) -> Storm:
    answers = await asyncio.gather(*(refresh(client, person.refresh_token) for _ in range(callers)))
    pairs = [answer for answer in answers if answer.is_success]
    working = all(await asyncio.gather(*(opens(client, pair) for pair in pairs)))
    living = await is_living(app, person)
    replay = await refresh(client, person.refresh_token)
    return Storm(
        Counter(answer.status_code for answer in answers),
        len({pair.json()["refresh_token"] for pair in pairs}),
        working,
        living,
        replay.json().get("code") == "token_reused",
        await seconds_until_dead(client, pairs[0]),
    )


async def is_living(app: FastAPI, person: Person) -> bool:
    """Once rotated, and not revoked."""
    async with app.state.database.transaction(Tenant(person.organization_id)) as session:
        row = await SessionRepository(session, person.organization_id).lock(person.session_id)
    return row is not None and (row.counter, row.revoked_at) == (1, None)


async def seconds_until_dead(client: AsyncClient, pair: Response) -> float:
    began, last_success, refusals = time.monotonic(), 0.0, 0
    while refusals < REFUSALS_IN_A_ROW:
        if await opens(client, pair):
            last_success, refusals = time.monotonic() - began, 0
        else:
            refusals += 1
    return last_success


def report(storms: Sequence[Storm], *, callers: int, seconds: float) -> Iterator[str]:
    statuses = sum((each.statuses for each in storms), Counter[int]())
    dead = [each.dead_after for each in storms]
    count = len(storms)
    yield f"{count} storms of {callers} refreshes in {seconds:.0f} s; answers: {dict(statuses)}"
    yield f"  exactly one pair handed out:       {sum(each.pairs == 1 for each in storms)} of {count}"
    yield f"  every caller's access token works: {sum(each.working for each in storms)} of {count}"
    yield f"  the session lives, rotated once:   {sum(each.living for each in storms)} of {count}"
    yield f"  a later replay is detected:        {sum(each.replay_detected for each in storms)} of {count}"
    yield f"  access tokens dead within 2 s:     {sum(each < BOUND_SECONDS for each in dead)} of {count}"
    yield f"  last success after the replay: median {statistics.median(dead):.3f} s, max {max(dead):.3f} s"


async def measure(app: FastAPI, url: str, *, storms: int, callers: int) -> Iterator[str]:
    factory = Factory(app)
    limits = Limits(max_connections=callers, max_keepalive_connections=callers)
    async with AsyncClient(base_url=url, limits=limits, timeout=30, trust_env=False) as client:
        owner = await factory.person("owner")
        began, done = time.monotonic(), []
        for _ in range(storms):
            person = await factory.with_scopes(owner, Scope.PROFILE_READ)
            done.append(await storm(client, app, person, callers=callers))
    await app.state.database.dispose()
    return report(done, callers=callers, seconds=time.monotonic() - began)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--storms", type=int, default=1000)
    parser.add_argument("--callers", type=int, default=10)
    arguments = parser.parse_args()
    with fleet(workers=2) as running:
        app = create_app(running.settings)
        lines = asyncio.run(measure(app, running.url, storms=arguments.storms, callers=arguments.callers))
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
