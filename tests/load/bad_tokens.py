"""How long a refused access token takes, by kind of attack: the goal is a p99 under 5 ms.

`python -m tests.load.bad_tokens [--rounds 20]` starts one gunicorn worker, a PostgreSQL and a Valkey. One
request at a time over one connection; client, service and servers share the machine.
"""

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from asgi_lifespan import LifespanManager
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient

from app.core.tokens import AccessGrant, AccessTokens
from app.main import create_app
from tests.auth.test_tokens import confused, malformed, signed_by_a_stranger, wrong_though_signed
from tests.core.forge import Forge
from tests.factories import Factory, Person
from tests.fixtures import BASE_URL
from tests.load.fleet import fleet

ME = "/api/v1/users/me"
GOAL_MILLISECONDS = 5.0
KINDS = ("malformed", "confused", "signed by a stranger", "wrong though signed")
Clock = Callable[[], float]


def attacks(app: FastAPI, person: Person) -> Mapping[str, Sequence[str]]:
    settings = app.state.settings
    issuing = AccessTokens(app.state.key_ring, issuer=settings.base_url, audience=settings.jwt_audience)
    grant = AccessGrant(
        sub=person.user_id,
        org=person.organization_id,
        sid=person.session_id,
        scopes=frozenset({"profile:read"}),
        role="user",
        ver=1,
    )
    forge = Forge(app.state.key_ring, issuing, grant)
    signed = (signed_by_a_stranger(forge), wrong_though_signed(forge))
    found = (malformed(person.access_token), confused(forge), *signed)
    return {name: list(tokens) for name, tokens in zip(KINDS, found, strict=True)}


async def milliseconds(
    client: AsyncClient, token: str, *, status: int = 401, clock: Clock = time.perf_counter
) -> float:
    began = clock()
    answer = await client.get(ME, headers={"Authorization": f"Bearer {token}"})
    taken = (clock() - began) * 1000
    if answer.status_code != status:
        raise AssertionError(f"{answer.status_code} instead of {status}: {answer.text}")
    return taken


async def processor_milliseconds(app: FastAPI, tokens: Sequence[str]) -> list[float]:
    """Client and app in one process, by its processor time: what else the machine does is not in it."""
    transport = ASGITransport(app=app, client=("127.0.0.1", 1))
    async with LifespanManager(app), AsyncClient(transport=transport, base_url=BASE_URL) as client:
        await milliseconds(client, tokens[0])
        return [await milliseconds(client, token, clock=time.process_time) for token in tokens]


async def measure(app: FastAPI, url: str, *, rounds: int) -> Mapping[str, Sequence[float]]:
    async with AsyncClient(base_url=url, timeout=30, trust_env=False) as client:
        person = await Factory(app).person("owner")
        kinds = attacks(app, person)
        for tokens in kinds.values():
            await milliseconds(client, tokens[0])
        taken: dict[str, list[float]] = {name: [] for name in kinds}
        for _ in range(rounds):
            for name, tokens in kinds.items():
                taken[name] += [await milliseconds(client, token) for token in tokens]
        every = [token for tokens in kinds.values() for token in tokens]
        taken["in processor time"] = await processor_milliseconds(app, every * max(1, rounds // 4))
        taken["accepted, to compare"] = [
            await milliseconds(client, person.access_token, status=200) for _ in range(10 * rounds)
        ]
    await app.state.database.dispose()
    return taken


def report(taken: Mapping[str, Sequence[float]]) -> Iterator[str]:
    refused = [value for name in KINDS for value in taken[name]]
    for name, values in {**taken, "all refused": refused}.items():
        cuts = statistics.quantiles(values, n=100)
        yield f"{name:22} n {len(values):5}  p50 {cuts[49]:6.2f} ms  p99 {cuts[98]:6.2f} ms"
    met = statistics.quantiles(refused, n=100)[98] < GOAL_MILLISECONDS
    yield f"goal p99 < {GOAL_MILLISECONDS} ms: {'met' if met else 'missed'}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    arguments = parser.parse_args()
    with fleet(workers=1) as running:
        app = create_app(running.settings)
        taken = asyncio.run(measure(app, running.url, rounds=arguments.rounds))
    sys.stdout.write("\n".join(report(taken)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
