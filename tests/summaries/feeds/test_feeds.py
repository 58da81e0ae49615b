"""A feed's private address, and what stands in it."""

import io
import json
from datetime import UTC, datetime

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from sqlalchemy import select

from app.auth.store import OwnSessions
from app.core.db import Tenant
from app.core.logging import configure_logging
from app.core.principal import MembershipRole
from app.core.secret_links import digest, new_feed_token
from app.organizations.members.repository import MemberRepository
from app.organizations.store import change_organization
from app.summaries.feeds.models import SummaryFeed
from tests.factories import Factory, Person, Robot
from tests.organizations.audited import audited
from tests.refilling import passes_until_refused
from tests.summaries.feeds.addresses import FEED, make, read
from tests.summaries.feeds.atom import ATOM, child, parsed, text_of
from tests.summaries.sharing.shelf import finished, share
from tests.summaries.shelf import PATH, create

pytestmark = pytest.mark.integration

HOSTILE = "<script>alert(1)</script>]]>&\x0b\ufffe<b"


async def gone(client: AsyncClient, feed: dict[str, str]) -> None:
    for kind in ("json", "atom"):
        answer = await read(client, feed, kind)
        assert (answer.status_code, answer.json()["code"]) == (404, "feed_not_found")


async def test_a_key_makes_and_ends_none(client: AsyncClient, robot: Robot) -> None:
    for method in ("POST", "DELETE"):
        answer = await client.request(method, FEED, headers=robot.headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "session_required")


async def test_support_in_anothers_name_makes_none(client: AsyncClient, root: Person, alice: Person) -> None:
    reason = {"organization_id": str(alice.organization_id), "reason": "ticket 4711"}
    begun = await client.post(
        f"/api/v1/admin/users/{alice.user_id}/impersonate", json=reason, headers=root.headers
    )
    headers = {"Authorization": f"Bearer {begun.json()['access_token']}"}
    answer = await client.post(FEED, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "impersonated")


async def test_a_session_that_has_ended_makes_none_while_it_is_still_believed(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    assert (await client.get("/api/v1/users/me", headers=alice.headers)).status_code == 200
    async with app.state.database.transaction(Tenant(alice.organization_id, alice.user_id)) as session:
        await OwnSessions(session, alice.user_id).end_all(reason="unannounced")
    assert (await client.post(FEED, headers=alice.headers)).status_code == 401


@pytest.mark.parametrize(
    "token",
    ["x", "prc_feed_", "%00", "a" * 5000, new_feed_token()],
    # By name: the last is another one in each of the processes that share the tests.
    ids=["short", "nothing behind the prefix", "NUL", "huge", "nobody's"],
)
@pytest.mark.parametrize("name", ["atom.xml", "feed.json"])
async def test_what_is_no_token_is_404(client: AsyncClient, token: str, name: str) -> None:
    answer = await client.get(f"/feeds/{token}/{name}")
    assert (answer.status_code, answer.json()["code"]) == (404, "feed_not_found")


async def test_whoever_guesses_is_429(client: AsyncClient) -> None:
    async def is_refused() -> bool:
        status = (await client.get("/feeds/guess/atom.xml")).status_code
        assert status in {404, 429}
        return status == 429

    await passes_until_refused(is_refused, limit=60)


async def test_ending_none_is_404(client: AsyncClient, alice: Person) -> None:
    answer = await client.delete(FEED, headers=alice.headers)
    assert (answer.status_code, answer.json()["code"]) == (404, "feed_not_found")


async def test_a_new_address_ends_the_former_and_deleting_both(client: AsyncClient, alice: Person) -> None:
    former = await make(client, alice)
    feed = await make(client, alice)
    await gone(client, former)
    assert (await read(client, feed)).status_code == 200
    assert (await client.delete(FEED, headers=alice.headers)).status_code == 204
    await gone(client, feed)


async def test_a_retry_is_shown_the_same_token(client: AsyncClient, alice: Person) -> None:
    headers = {**alice.headers, "Idempotency-Key": "again"}
    first, second = [await client.post(FEED, headers=headers) for _ in range(2)]
    assert first.json() == second.json()
    assert second.headers["Idempotent-Replayed"] == "true"
    assert (await read(client, second.json())).status_code == 200


async def test_it_stops_with_its_owners_account(client: AsyncClient, factory: Factory, bob: Person) -> None:
    feed = await make(client, bob)
    await factory.deactivate(bob)
    await gone(client, feed)


async def test_it_stops_with_the_membership_and_does_not_come_back_with_another(
    client: AsyncClient, app: FastAPI, alice: Person, bob: Person
) -> None:
    feed = await make(client, bob)
    async with app.state.database.transaction(Tenant(alice.organization_id)) as session:
        members = MemberRepository(session, alice.organization_id)
        await members.remove(bob.user_id)
    await gone(client, feed)


@pytest.mark.parametrize("column", ["suspended_at", "erase_after"])
async def test_it_stops_while_the_organisation_is_out_of_service(
    client: AsyncClient, app: FastAPI, alice: Person, column: str
) -> None:
    feed = await make(client, alice)
    for moment, status in ((datetime.now(UTC), 404), (None, 200)):
        async with app.state.database.transaction(Tenant(alice.organization_id)) as session:
            await change_organization(session, alice.organization_id, **{column: moment})
        assert (await read(client, feed)).status_code == status


async def test_the_database_holds_no_token(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    feed = await make(client, alice)
    async with app.state.database.transaction(Tenant(alice.organization_id)) as session:
        row = (await session.scalars(select(SummaryFeed))).one()
    assert row.digest == digest(feed["token"])


async def test_it_has_mine_that_are_finished_and_nobody_elses(
    client: AsyncClient, app: FastAPI, alice: Person, bob: Person
) -> None:
    mine = await finished(client, app, alice)
    await create(client, alice)
    await finished(client, app, bob, visibility="organization")
    trashed = await finished(client, app, alice)
    await client.delete(f"{PATH}/{trashed}", headers=alice.headers)
    items = (await read(client, await make(client, alice))).json()["items"]
    assert [item["id"] for item in items] == [f"urn:uuid:{mine}"]


async def test_a_tag_narrows_it(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    tagged = await finished(client, app, alice, tags=["read"])
    await finished(client, app, alice)
    feed = await make(client, alice)
    items = (await read(client, feed, params={"tag": "read"})).json()["items"]
    assert [item["id"] for item in items] == [f"urn:uuid:{tagged}"]
    assert (await read(client, feed, params={"tag": "a\x00"})).status_code == 422


async def test_hostile_words_leave_both_documents_whole(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    columns = {"title": HOSTILE, "summary": HOSTILE, "key_points": [HOSTILE], "url": "javascript:alert(1)"}
    await finished(client, app, alice, columns=columns, tags=['<t&">'])
    feed = await make(client, alice)
    entry = child(parsed((await read(client, feed, "atom")).content), "entry")
    assert text_of(entry, "title") == "<script>alert(1)</script>]]>&<b"
    assert child(entry, "content").get("type") == "html"
    assert text_of(entry, "content").startswith("<p>&lt;script&gt;alert(1)")
    assert entry.find(f"{ATOM}link") is None
    (item,) = (await read(client, feed)).json()["items"]
    assert "<script" not in item["content_html"]
    assert "url" not in item


async def test_atom_says_what_it_must(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    summary_id = await finished(client, app, alice, columns={"url": "https://example.org/a?b=1&c=2"})
    feed = await make(client, alice)
    answer = await read(client, feed, "atom")
    assert answer.headers["content-type"] == "application/atom+xml; charset=utf-8"
    document = parsed(answer.content)
    assert text_of(document, "id").startswith("urn:uuid:")
    entry = child(document, "entry")
    assert text_of(entry, "id") == f"urn:uuid:{summary_id}"
    assert child(entry, "link").get("href") == "https://example.org/a?b=1&c=2"
    assert text_of(entry, "updated") == text_of(document, "updated")
    assert feed["token"] not in answer.text


async def test_the_feed_keeps_its_id_under_a_new_address(client: AsyncClient, alice: Person) -> None:
    ids = set()
    for _ in range(2):
        answer = await read(client, await make(client, alice), "atom")
        ids.add(text_of(parsed(answer.content), "id"))
    assert len(ids) == 1


async def test_json_feed_says_what_it_must(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    await finished(client, app, alice, tags=["t"], notes="secret")
    answer = await read(client, await make(client, alice))
    assert answer.headers["content-type"] == "application/feed+json"
    assert answer.json()["version"] == "https://jsonfeed.org/version/1.1"
    (item,) = answer.json()["items"]
    assert (item["title"], item["tags"]) == ("The bridge", ["t"])
    assert item["content_text"] == "It is gone.\n- Gone."
    assert "secret" not in json.dumps(item)


@pytest.mark.parametrize("kind", ["json", "atom"])
async def test_an_unchanged_feed_is_304(client: AsyncClient, app: FastAPI, alice: Person, kind: str) -> None:
    feed = await make(client, alice)
    empty = await read(client, feed, kind)
    await finished(client, app, alice)
    full = await read(client, feed, kind)
    assert full.headers["etag"] != empty.headers["etag"]
    for header, named, status in (
        ("If-None-Match", full.headers["etag"], 304),
        ("If-None-Match", empty.headers["etag"], 200),
        ("If-Modified-Since", "Sat, 01 Jan 2099 00:00:00 GMT", 200),
        ("If-Modified-Since", "Mon, 01 Jan 99999999999999999999 00:00:00 GMT", 200),
    ):
        assert (await read(client, feed, kind, headers={header: named})).status_code == status


async def test_a_deleted_entry_changes_the_feed(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    feed = await make(client, alice)
    summary_id = await finished(client, app, alice)
    before = await read(client, feed)
    assert "last-modified" not in before.headers
    await client.delete(f"/api/v1/summaries/{summary_id}", headers=alice.headers)
    after = await read(client, feed, headers={"If-None-Match": before.headers["etag"]})
    assert (after.status_code, after.json()["items"]) == (200, [])


async def test_a_viewer_reads_what_they_wrote(client: AsyncClient, factory: Factory, alice: Person) -> None:
    viewer = await factory.member("vera", alice.organization_id, role=MembershipRole.VIEWER)
    assert (await read(client, await make(client, viewer))).json()["items"] == []


async def test_the_log_names_the_route_and_never_the_secret(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    feed = await make(client, alice)
    shared = await share(client, alice, await finished(client, app, alice))
    lines = io.StringIO()
    configure_logging(app.state.settings.model_copy(update={"log_level": "INFO"}), lines)
    for secret, path in ((feed["token"], "/feeds"), (shared["share_id"], "/s")):
        for rest in ("", "/atom.xml", "/no/such/place"):
            await client.get(f"{path}/{secret}{rest}")
            await client.request("PURGE", f"{path}/{secret}{rest}")
    told = lines.getvalue()
    assert "/feeds/{address}/atom.xml" in told
    assert "/s/{share_id}" in told
    assert feed["token"] not in told
    assert shared["share_id"] not in told


async def test_the_audit_log_tells_of_each_step(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    await make(client, alice)
    await client.delete(FEED, headers=alice.headers)
    assert [action for action in await audited(app, alice) if action.startswith("feed_")] == [
        "feed_created",
        "feed_revoked",
    ]
