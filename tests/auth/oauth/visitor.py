"""Somebody at a browser, on their way to a provider and back."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import FastAPI
from httpx2 import AsyncClient, Response

from app.core.ids import new_id
from app.main import make_oauth_service
from tests.catalogue import ask
from tests.factories import Person
from tests.openid_stub import OpenIdStub

OAUTH = "/api/v1/auth/oauth"
AS_PROGRAM = {"Accept": "application/json"}


def forget_provider(app: FastAPI) -> None:
    """As after a start: the provider's endpoints and keys are not known yet."""
    state = app.state
    state.oauth_service = make_oauth_service(state, state.settings, http=state.oauth_http)


class Visitor:
    """Somebody at a browser, which keeps the service's cookies."""

    def __init__(self, client: AsyncClient, stub: OpenIdStub) -> None:
        self.client = client
        self.stub = stub

    async def begin(self, provider: str = "oidc", mode: str = "token") -> str:
        """The address at the provider."""
        answer = await self.client.get(
            f"{OAUTH}/{provider}/authorize", params={"mode": mode}, headers=AS_PROGRAM
        )
        assert answer.status_code == 200, answer.text
        return str(answer.json()["authorization_url"])

    def callback(self, parameters: dict[str, str], provider: str = "oidc") -> str:
        return f"{OAUTH}/{provider}/callback?{urlencode(parameters)}"

    async def come_back(self, parameters: dict[str, str], provider: str = "oidc") -> Response:
        return await self.client.get(self.callback(parameters, provider))

    async def log_in(self, provider: str = "oidc", mode: str = "token") -> Response:
        return await self.come_back(self.stub.visit(await self.begin(provider, mode)), provider)


class Observer:
    """Sees every table, and changes what no route changes: as the superuser."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def ask(self, query: str, *values: object) -> list[dict[str, Any]]:  # Any: column values
        return await ask(self._url, query, *values)

    async def count(self, table: str) -> int:
        rows = await self.ask(f"SELECT count(*) AS number FROM {table}")  # noqa: S608  # names of our own
        return int(rows[0]["number"])

    async def verify_email(self, person: Person) -> None:
        await self.ask("UPDATE users SET is_verified = true WHERE id = $1", person.user_id)

    async def deactivate(self, person: Person) -> None:
        await self.ask("UPDATE users SET is_active = false WHERE id = $1", person.user_id)

    async def link(self, person: Person, subject: str, *, issuer: str, provider: str = "oidc") -> None:
        columns = "id, user_id, provider, issuer, subject"
        statement = f"INSERT INTO oauth_accounts ({columns}) VALUES ($1, $2, $3, $4, $5)"  # noqa: S608  # our own
        await self.ask(statement, new_id(), person.user_id, provider, issuer, subject)

    async def links(self) -> list[tuple[str, str, UUID]]:
        rows = await self.ask("SELECT provider, subject, user_id FROM oauth_accounts ORDER BY created_at")
        return [(row["provider"], row["subject"], row["user_id"]) for row in rows]

    async def recorded(self, action: str) -> list[dict[str, Any]]:  # Any: column values
        query = "SELECT organization_id, subject_id, details::text FROM audit_entries WHERE action = $1"
        return await self.ask(query, action)

    async def mails(self) -> list[str]:
        query = (
            "SELECT args ->> 'mail' AS mail FROM procrastinate_jobs WHERE task_name = 'accounts.send_mail'"
        )
        return [str(row["mail"]) for row in await self.ask(query)]
