"""Calling every route as the attacker: with another's ids, with ids that never were, and with one's own."""

import io
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient, Response

from app.summaries.progress.event_stream import StreamPace
from tests.access_table import ENDING
from tests.factories import principal_of
from tests.fixtures import BASE_URL
from tests.isolation.world import Doorman, Holding, nothing_of, within
from tests.site_map import Route, routes_of

API = "/api/v1/"
# What ends the caller's own things comes last, and of that the outermost.
LAST = ("/leave", "/transfer", "/restore", "/logout", "/revoke", "/generate", "/organizations")


def site_of(app: FastAPI) -> list[Route]:
    routes = [route for route in routes_of(app) if route.path.startswith(API)]
    return sorted(routes, key=_lateness)


def _lateness(route: Route) -> tuple[bool, bool, int]:
    ends = route.method == "DELETE" or (route.method == "POST" and route.path.endswith(LAST))
    return route.name in ENDING, ends, -len(route.path) if ends else 0


def names(route: Route, target: Holding, other: Holding) -> bool:
    """Whether a request of this route tells these two apart."""
    differing = {name for name in route.parameters if target.ids.get(name) != other.ids.get(name)}
    return bool(differing) or bool(_bodies(route))


def _bodies(route: Route) -> str:
    """What its body names, if anything of a tenant's."""
    return {
        f"POST {API}auth/switch": "organization",
        f"POST {API}organizations/{{organization_id}}/transfer": "user",
        f"POST {API}organizations/{{organization_id}}/invitations/accept": "invitation",
        f"POST {API}auth/logout": "refresh_token",
    }.get(route.name, "")


def body_naming(route: Route, holding: Holding) -> dict[str, Any]:  # Any: the client's own options
    bodies = {
        "organization": {"organization_id": str(holding.organization_id)},
        "user": {"user_id": str(holding.ids["user_id"])},
        "invitation": {"token": holding.invitation_token},
        "refresh_token": {"refresh_token": holding.owner.refresh_token},
    }
    named = bodies.get(_bodies(route))
    return route.body if named is None else {"json": named}


@asynccontextmanager
async def walking(
    app: FastAPI, attacker: Holding, *, taken_for: Holding | None = None
) -> AsyncIterator["Walk"]:
    """Answered as over a network where a handler raises. `taken_for`: what the app is made to believe."""
    doorman = Doorman()
    former, app.state.authenticators = app.state.authenticators, (doorman, *app.state.authenticators)
    # A stream of one's own unfinished summary ends by itself, instead of after a quarter of an hour.
    desk, app.state.progress = app.state.progress, replace(app.state.progress, pace=StreamPace(life=0.1))
    headers = doorman.admit(principal_of((taken_for or attacker).owner))
    transport = ASGITransport(app=app, client=("127.0.0.1", 50000), raise_app_exceptions=False)
    async with AsyncClient(transport=transport, base_url=BASE_URL) as client:
        yield Walk(client, headers, attacker)
    app.state.authenticators, app.state.progress = former, desk


@dataclass(frozen=True, slots=True)
class Walk:
    """Of one attacker, who is known by these headers."""

    client: AsyncClient
    headers: dict[str, str]
    attacker: Holding

    async def call(self, route: Route, target: Holding) -> Response:
        values = [target.ids.get(name, "nonsense") for name in route.parameters]
        path = route.fill(*values) if values else route.path
        return await self.client.request(
            route.method, path, headers=self.headers, **body_naming(route, target)
        )

    def aims(self, victim: Holding) -> list[tuple[Holding, Holding]]:
        """Pairs of what exists elsewhere and what never was: their place named, and looked for in mine."""
        missing = nothing_of(victim)
        return [(victim, missing), (within(self.attacker, victim), within(self.attacker, missing))]


def content(answer: Response) -> str:
    """The body as text, of an archive all its files."""
    if not answer.content.startswith(b"PK"):
        return answer.text
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        return "\n".join(archive.read(name).decode() for name in archive.namelist())


def leaked(answer: Response, victim: Holding) -> set[str]:
    """What of the victim's stands in the answer, its headers too."""
    said = content(answer) + repr(answer.headers.items())
    return {secret for secret in victim.secrets if secret in said}
