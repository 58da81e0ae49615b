"""What an action left behind: entries of the audit log, mails in the queue, rows of sessions."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from asgi_lifespan import LifespanManager
from httpx2 import ASGITransport, AsyncClient, Response

from app.settings import Settings
from tests.catalogue import ask
from tests.factories import PASSWORD, Person
from tests.fixtures import BASE_URL, make_app
from tests.servers import DatabaseUrls

ME = "/api/v1/users/me"
ENTRIES = (
    "SELECT action, organization_id, actor_kind, actor_id, subject_id, target_id, details::text"
    " FROM audit_entries ORDER BY id"
)
MAILS = "SELECT args ->> 'mail' AS mail, args ->> 'user_id' AS user_id FROM procrastinate_jobs ORDER BY id"
SESSIONS = "SELECT * FROM auth_sessions WHERE user_id = $1 ORDER BY id"

# A token that may have been under way during the rotation is no replay; on a slow machine more may have been.
A_SECOND_AGO = "UPDATE auth_sessions SET rotated_at = rotated_at - interval '1 second'"

Row = dict[str, Any]  # Any: column values


async def entries(urls: DatabaseUrls, action: str) -> list[Row]:
    return [row for row in await ask(urls.superuser, ENTRIES) if row["action"] == action]


async def mails(urls: DatabaseUrls) -> list[tuple[str, str]]:
    """Kind and recipient."""
    return [(row["mail"], row["user_id"]) for row in await ask(urls.superuser, MAILS)]


async def sessions_of(urls: DatabaseUrls, person: Person) -> list[Row]:
    return await ask(urls.superuser, SESSIONS, person.user_id)


async def rotated_before(urls: DatabaseUrls) -> None:
    """Whoever comes with a spent token now was not under way when it was spent."""
    await ask(urls.superuser, A_SECOND_AGO)


async def is_in(client: AsyncClient, person: Person) -> bool:
    """Whether the access token is accepted, whatever it allows."""
    status = (await client.get(ME, headers=person.headers)).status_code
    assert status in {200, 401, 403}, status
    return status != 401


async def log_in(client: AsyncClient, username: str, password: str = PASSWORD, **form: str) -> Response:
    return await client.post("/api/v1/auth/token", data={"username": username, "password": password, **form})


@asynccontextmanager
async def served(settings: Settings, **changes: object) -> AsyncIterator[AsyncClient]:
    """Another process of the service, so to speak, with these settings changed."""
    app = await asyncio.to_thread(make_app, settings.model_copy(update=changes))
    transport = ASGITransport(app=app, client=("127.0.0.1", 50000))
    async with LifespanManager(app), AsyncClient(transport=transport, base_url=BASE_URL) as client:
        yield client


def bearer(pair: Response) -> dict[str, str]:
    return {"Authorization": f"Bearer {pair.json()['access_token']}"}
