"""An authenticator app on a clock that stands still until a test moves it."""

import time
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI
from httpx2 import AsyncClient, Response
from pyotp import TOTP
from sqlalchemy import text

from app.core.db import Tenant
from tests.factories import PASSWORD, Person

TOTP_URL = "/api/v1/auth/totp"
TOKEN_URL = "/api/v1/auth/token"
STEP_SECONDS = 30


@dataclass
class Clock:
    """Epoch seconds, at the beginning of a step."""

    now: float = field(default_factory=lambda: time.time() // STEP_SECONDS * STEP_SECONDS)

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


@dataclass(frozen=True, slots=True)
class Device:
    """Somebody's app, and the sheet of recovery codes in the drawer."""

    owner: Person
    secret: str
    recovery_codes: list[str]
    clock: Clock

    def code(self, steps: int = 0) -> str:
        """Of the present step, or of one that is so many later."""
        return code_of(self.secret, self.clock, steps)

    def next_code(self) -> str:
        """One that was surely never used, in its own time."""
        self.clock.advance(STEP_SECONDS)
        return self.code()

    @property
    def wrong_code(self) -> str:
        """Of no step within two."""
        right = {self.code(steps) for steps in range(-2, 3)}
        return next(
            code for code in ("000000", "111111", "222222", "333333", "444444", "555555") if code not in right
        )


def code_of(secret: str, clock: Clock, steps: int = 0) -> str:
    return TOTP(secret).at(clock.now, counter_offset=steps)


async def post(client: AsyncClient, person: Person, action: str, code: str | None = None) -> Response:
    body = None if code is None else {"code": code}
    return await client.post(f"{TOTP_URL}/{action}", headers=person.headers, json=body)


async def set_up(client: AsyncClient, person: Person, clock: Clock) -> Device:
    secret = (await post(client, person, "enroll")).json()["secret"]
    confirmed = await post(client, person, "confirm", code_of(secret, clock))
    return Device(person, secret, confirmed.json()["recovery_codes"], clock)


async def log_in(client: AsyncClient, person: Person, totp: str | None = None, **form: str) -> Response:
    second = {} if totp is None else {"totp": totp}
    return await client.post(
        TOKEN_URL, data={"username": person.username, "password": PASSWORD, **second, **form}
    )


def bearer(answer: Response) -> dict[str, str]:
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


async def read(app: FastAPI, person: Person, query: str) -> list[tuple[Any, ...]]:  # Any: columns
    tenant = Tenant(person.organization_id, person.user_id)
    async with app.state.database.transaction(tenant) as session:
        return [tuple(row) for row in await session.execute(text(query))]
