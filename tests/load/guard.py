"""What the guard and the limits add to a request: `python -m tests.load.guard [--rounds 600]`.

Two routes that do nothing, in the real app behind its middleware, asked by turns: one open, one that wants
a scope. The principal of the second is warm: one Redis round trip for the session, one for the limits.
Ratios count; milliseconds are this machine's.
"""

import argparse
import asyncio
from typing import Annotated

from asgi_lifespan import LifespanManager
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient

from app.core.guard import require
from app.core.principal import Principal, Scope
from app.main import create_app
from app.settings import Settings
from tests.factories import Factory
from tests.load.logins import started
from tests.load.tenancy import undisturbed

AT_ONCE = 64


async def open_route() -> dict[str, bool]:
    return {"done": True}


async def guarded_route(_: Annotated[Principal, require(Scope.ORG_READ)]) -> dict[str, bool]:
    return {"done": True}


def build(settings: Settings) -> FastAPI:
    app = create_app(settings.model_copy(update={"rate_limit_scale": 1_000_000.0}))
    app.add_api_route("/open", open_route)
    app.add_api_route("/guarded", guarded_route)
    return app


async def measure(app: FastAPI, rounds: int) -> dict[str, float]:
    async with LifespanManager(app):
        factory = Factory(app)
        alice = await factory.person("alice")
        robot = await factory.robot(alice)
        transport = ASGITransport(app=app)
        async with AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:

            async def ask(path: str, headers: dict[str, str], *, times: int = 1) -> None:
                answers = await asyncio.gather(*(client.get(path, headers=headers) for _ in range(times)))
                assert {answer.status_code for answer in answers} == {200}

            alone = await undisturbed(
                rounds,
                open=lambda: ask("/open", {}),
                bearer=lambda: ask("/guarded", alice.headers),
                api_key=lambda: ask("/guarded", robot.headers),
            )
            at_once = await undisturbed(
                rounds // 20,
                open_at_once=lambda: ask("/open", {}, times=AT_ONCE),
                bearer_at_once=lambda: ask("/guarded", alice.headers, times=AT_ONCE),
                api_key_at_once=lambda: ask("/guarded", robot.headers, times=AT_ONCE),
            )
    return alone | {name: value / AT_ONCE for name, value in at_once.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=600)
    rounds = parser.parse_args().rounds
    with started() as settings:
        app = build(settings)
        found = asyncio.run(measure(app, rounds))
    for name, value in found.items():
        base = found["open_at_once" if name.endswith("at_once") else "open"]
        line = f"{name:<16}{value:8.3f} ms{value - base:+8.3f} ms{value / base:7.2f} x"
        print(line)  # noqa: T201  # a script's output


if __name__ == "__main__":
    main()
