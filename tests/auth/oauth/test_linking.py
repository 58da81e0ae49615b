"""Linking a provider to an account that one is logged in to, and taking it away."""

import asyncio

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, Response
from sqlalchemy.exc import IntegrityError

from app.auth.errors import LoginFailedError
from app.auth.oauth.identity import Identity
from app.auth.oauth.linking import Linking
from app.auth.oauth.linking import Visitor as Arrival
from app.auth.oauth.links import unlink_all
from app.auth.oauth.repository import OAuthAccountRepository
from app.core.ids import new_id
from app.core.principal import Scope
from app.users.models import User
from app.users.store import UserStore
from tests.auth.oauth.visitor import OAUTH, Observer, Visitor
from tests.auth.traces import bearer
from tests.catalogue import ask
from tests.factories import Factory, Person, Robot
from tests.openid_stub import OpenIdStub
from tests.servers import DatabaseUrls

pytestmark = pytest.mark.integration

WAITING = "SELECT count(*) > 0 AS waits FROM pg_locks WHERE NOT granted"


async def begin(client: AsyncClient, person: Person, provider: str = "oidc") -> Response:
    return await client.post(f"{OAUTH}/{provider}/link", headers=person.headers)


async def link(visitor: Visitor, person: Person) -> Response:
    begun = await begin(visitor.client, person)
    return await visitor.come_back(visitor.stub.visit(begun.json()["authorization_url"]))


def refusal(answer: Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


@pytest.fixture
async def verified(alice: Person, observer: Observer) -> Person:
    await observer.verify_email(alice)
    return alice


async def test_a_provider_that_is_not_offered_cannot_be_linked(client: AsyncClient, alice: Person) -> None:
    assert refusal(await begin(client, alice, "facebook")) == (404, "not_found")
    answer = await client.delete(f"{OAUTH}/facebook", headers=alice.headers)
    assert refusal(answer) == (404, "not_found")


async def test_an_api_key_links_nothing(client: AsyncClient, robot: Robot) -> None:
    for method, path in (("POST", "oidc/link"), ("DELETE", "oidc")):
        answer = await client.request(method, f"{OAUTH}/{path}", headers=robot.headers)
        assert answer.status_code == 403


async def test_an_old_login_links_and_unlinks_nothing(
    client: AsyncClient, alice: Person, observer: Observer
) -> None:
    await observer.ask("UPDATE auth_sessions SET authenticated_at = now() - interval '16 minutes'")
    for method, path in (("POST", "oidc/link"), ("DELETE", "oidc")):
        answer = await client.request(method, f"{OAUTH}/{path}", headers=alice.headers)
        assert refusal(answer) == (403, "recent_login_required")


async def test_an_account_of_an_unproved_address_gets_no_link(
    visitor: Visitor, alice: Person, observer: Observer
) -> None:
    """Whoever registers another's address must leave no door open for the day its owner takes over."""
    assert refusal(await link(visitor, alice)) == (403, "oauth_link_unverified")
    assert await observer.links() == []


async def test_the_same_address_at_the_provider_proves_it(
    visitor: Visitor, alice: Person, observer: Observer, stub: OpenIdStub
) -> None:
    stub.account["email"] = "alice@example.com"
    assert (await link(visitor, alice)).status_code == 200
    assert await observer.links() == [("oidc", "1001", alice.user_id)]
    assert len(await observer.recorded("email_verified")) == 1


async def test_an_account_of_somebody_else_is_not_taken(
    visitor: Visitor, verified: Person, charlie: Person, observer: Observer
) -> None:
    await link(visitor, verified)
    await observer.verify_email(charlie)
    assert refusal(await link(visitor, charlie)) == (409, "oauth_link_taken")
    assert await observer.links() == [("oidc", "1001", verified.user_id)]


async def test_a_second_account_of_one_provider_is_refused(
    visitor: Visitor, verified: Person, observer: Observer, stub: OpenIdStub
) -> None:
    await link(visitor, verified)
    stub.account["sub"] = "1002"
    assert refusal(await link(visitor, verified)) == (409, "oauth_link_taken")
    assert len(await observer.links()) == 1


async def test_a_session_that_ended_meanwhile_links_nothing(
    visitor: Visitor, verified: Person, observer: Observer, client: AsyncClient, stub: OpenIdStub
) -> None:
    """Ending all sessions after a theft must stop what the thief began."""
    back = stub.visit((await begin(client, verified)).json()["authorization_url"])
    await observer.ask("UPDATE auth_sessions SET revoked_at = now()")
    assert refusal(await visitor.come_back(back)) == (400, "oauth_state_invalid")
    assert await observer.links() == []


async def test_what_is_linked_opens_the_account(
    visitor: Visitor, verified: Person, observer: Observer, client: AsyncClient
) -> None:
    answer = await link(visitor, verified)
    assert (answer.status_code, answer.json()) == (200, {"detail": "Linked", "provider": "oidc"})
    me = await client.get("/api/v1/users/me", headers=bearer(await visitor.log_in()))
    assert me.json()["username"] == "alice"
    (entry,) = await observer.recorded("provider_linked")
    assert entry["organization_id"] == verified.organization_id
    assert await observer.mails() == ["provider_linked"]


async def test_linking_twice_changes_nothing(visitor: Visitor, verified: Person, observer: Observer) -> None:
    await link(visitor, verified)
    assert (await link(visitor, verified)).status_code == 200
    assert len(await observer.links()) == len(await observer.mails()) == 1


async def test_my_links_are_listed_and_nobody_elses(
    visitor: Visitor, verified: Person, charlie: Person, client: AsyncClient
) -> None:
    await link(visitor, verified)
    mine = (await client.get(f"{OAUTH}/links", headers=verified.headers)).json()["items"]
    theirs = (await client.get(f"{OAUTH}/links", headers=charlie.headers)).json()["items"]
    assert [(item["provider"], item["email"]) for item in mine] == [("oidc", "dora@example.org")]
    assert theirs == []


async def test_what_is_unlinked_opens_nothing(
    visitor: Visitor, verified: Person, observer: Observer, client: AsyncClient
) -> None:
    await link(visitor, verified)
    answer = await client.delete(f"{OAUTH}/oidc", headers=verified.headers)
    assert (answer.status_code, answer.content) == (204, b"")
    assert await observer.links() == []
    assert len(await observer.recorded("provider_unlinked")) == 1
    me = await client.get("/api/v1/users/me", headers=bearer(await visitor.log_in()))
    assert me.json()["username"] == "dora"


async def test_an_outsider_unlinks_nothing(
    visitor: Visitor, verified: Person, charlie: Person, observer: Observer, client: AsyncClient
) -> None:
    await link(visitor, verified)
    answer = await client.delete(f"{OAUTH}/oidc", headers=charlie.headers)
    assert refusal(answer) == (404, "not_found")
    assert len(await observer.links()) == 1


async def test_the_only_way_to_log_in_stays(
    visitor: Visitor, client: AsyncClient, observer: Observer
) -> None:
    headers = bearer(await visitor.log_in())
    answer = await client.delete(f"{OAUTH}/oidc", headers=headers)
    assert refusal(answer) == (409, "oauth_last_login")
    assert len(await observer.links()) == 1


async def test_of_two_ways_unlinked_at_once_one_stays(
    visitor: Visitor, client: AsyncClient, observer: Observer
) -> None:
    headers = bearer(await visitor.log_in())
    await observer.ask(
        "INSERT INTO oauth_accounts (id, user_id, provider, issuer, subject)"
        " SELECT gen_random_uuid(), id, 'github', 'https://github.com', '7' FROM users"
    )
    answers = await asyncio.gather(
        *(client.delete(f"{OAUTH}/{name}", headers=headers) for name in ("oidc", "github"))
    )
    assert sorted(answer.status_code for answer in answers) == [204, 409]


async def test_a_narrow_credential_links_nothing(
    client: AsyncClient, factory: Factory, alice: Person
) -> None:
    narrow = await factory.with_scopes(alice, Scope.PROFILE_READ)
    assert refusal(await begin(client, narrow)) == (403, "insufficient_scope")


async def test_whoever_takes_an_account_over_drops_what_was_linked(
    app: FastAPI, visitor: Visitor, verified: Person, observer: Observer
) -> None:
    assert (await link(visitor, verified)).status_code == 200
    async with app.state.database.transaction() as session:
        assert await unlink_all(session, verified.user_id) == 1
    assert await observer.links() == []


async def test_a_link_to_nobody_is_a_fault_of_ours_and_no_conflict(app: FastAPI) -> None:
    identity = Identity("https://id.example", "1001", None, None, None)
    with pytest.raises(IntegrityError):
        async with app.state.database.transaction() as session:
            await OAuthAccountRepository(session).add("oidc", identity, new_id())


async def test_a_link_that_is_taken_away_meanwhile_opens_nothing(
    app: FastAPI, alice: Person, database_urls: DatabaseUrls
) -> None:
    identity = Identity("https://github.com", "7", None, None, None)
    async with app.state.database.transaction() as session:
        await OAuthAccountRepository(session).add("github", identity, alice.user_id)

    async def arrive() -> User:
        async with app.state.database.transaction() as session:
            return await Linking(session, Arrival("github", identity, None)).owner()

    async with app.state.database.transaction() as session:
        await UserStore(session).lock(alice.user_id)
        await unlink_all(session, alice.user_id)
        arriving = asyncio.create_task(arrive())
        while not (await ask(database_urls.superuser, WAITING))[0]["waits"]:  # noqa: ASYNC110  # no event tells
            await asyncio.sleep(0.01)
    with pytest.raises(LoginFailedError):
        await arriving
