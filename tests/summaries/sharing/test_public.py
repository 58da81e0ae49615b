"""The public page: what it refuses, what it shows, and what it never shows."""

import asyncio
import re
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient
from sqlalchemy.ext.asyncio import AsyncSession
from typing_extensions import override

from app.core.db import Database, Tenant
from app.organizations.members.repository import MemberRepository
from app.organizations.store import change_organization
from app.summaries.sharing import page as public_page
from app.summaries.sharing.schemas import SharedSummary
from app.summaries.sharing.views import ViewCounter, written_every_few_seconds
from tests.factories import Factory, Person
from tests.summaries.sharing.shelf import BROWSER, finished, look, share
from tests.summaries.sharing.test_sharing import end
from tests.summaries.shelf import PATH, set_columns

pytestmark = pytest.mark.integration

SCRIPT = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
UNKNOWN = "A" * 32


async def told(client: AsyncClient, path: str) -> tuple[Any, ...]:  # Any: what differs
    """The refusal as page and as problem, but for what differs by itself."""
    page, problem = await client.get(path, headers=BROWSER), await client.get(path)
    assert problem.headers["content-type"] == "application/problem+json"
    members = {**problem.json(), "request_id": ""}
    return page.status_code, page.headers["content-type"], page.text, problem.status_code, members


@pytest.mark.parametrize("name", ["x", "a" * 5000, "%00", UNKNOWN, "%F0%9F%90%98" * 8])
async def test_what_was_never_shared_is_404(client: AsyncClient, name: str) -> None:
    status, media_type, page, problem_status, problem = await told(client, f"/s/{name}")
    assert (status, media_type, problem_status) == (404, "text/html; charset=utf-8", 404)
    assert problem["code"] == "shared_page_not_found"
    assert "nothing to see here" in page


@pytest.mark.parametrize(
    "columns",
    [{"ephemeral": True}, {"summary": None}, {"deleted_at": "2026-01-01"}],
    ids=["ephemeral", "empty", "trashed"],
)
async def test_what_may_not_be_shown_is_as_unknown_as_what_never_was(
    client: AsyncClient, app: FastAPI, alice: Person, columns: dict[str, Any]
) -> None:
    summary_id = await finished(client, app, alice)
    shared = await share(client, alice, summary_id)
    if "deleted_at" in columns:
        await client.delete(f"{PATH}/{summary_id}", headers=alice.headers)
    else:
        await set_columns(app, alice, summary_id, **columns)
    assert await told(client, f"/s/{shared['share_id']}") == await told(client, f"/s/{UNKNOWN}")


async def test_an_end_a_suspension_and_a_deletion_are_told_alike(
    client: AsyncClient, app: FastAPI, alice: Person, charlie: Person
) -> None:
    ended, suspended = [
        await share(client, who, await finished(client, app, who)) for who in (alice, charlie)
    ]
    await end(app, alice)
    async with app.state.database.transaction(Tenant(charlie.organization_id)) as session:
        await change_organization(session, charlie.organization_id, suspended_at=datetime.now(UTC))
    unknown = await told(client, f"/s/{UNKNOWN}")
    assert await told(client, f"/s/{ended['share_id']}") == unknown
    assert await told(client, f"/s/{suspended['share_id']}") == unknown


async def test_a_private_one_goes_with_its_author_and_a_common_one_stays(
    client: AsyncClient, app: FastAPI, factory: Factory, alice: Person, bob: Person
) -> None:
    private = await share(client, bob, await finished(client, app, bob))
    common = await share(client, bob, await finished(client, app, bob, visibility="organization"))
    await factory.deactivate(bob)
    assert (await look(client, private)).status_code == 404
    assert (await look(client, common)).status_code == 200
    async with app.state.database.transaction(Tenant(alice.organization_id)) as session:
        await MemberRepository(session, alice.organization_id).remove(bob.user_id)
    assert (await look(client, private)).status_code == 404
    assert (await look(client, common)).status_code == 200


async def test_what_comes_from_a_page_is_text(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    hostile = {
        "title": SCRIPT,
        "summary": SCRIPT,
        "key_points": [SCRIPT],
        "language": 'en"><script>',
        "url": "javascript:alert(1)",
    }
    shared = await share(client, alice, await finished(client, app, alice, columns=hostile))
    page = (await look(client, shared, **BROWSER)).text
    assert "<script" not in page
    assert "<img" not in page
    assert "href" not in page
    assert "javascript" not in page
    assert page.count("&lt;script&gt;") == 4


async def test_an_address_with_a_quote_is_no_link(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    columns = {"url": 'https://example.org/"onmouseover="alert(1)'}
    shared = await share(client, alice, await finished(client, app, alice, columns=columns))
    assert "onmouseover" not in (await look(client, shared, **BROWSER)).text


async def test_the_browser_may_run_and_load_nothing(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    shared = await share(client, alice, await finished(client, app, alice))
    answer = await look(client, shared, **BROWSER)
    style = re.search(r"<style>(.*)</style>", answer.text, re.DOTALL)
    assert style
    allowed = b64encode(sha256(style[1].encode()).digest()).decode()
    assert answer.headers["content-security-policy"] == (
        f"default-src 'none'; style-src 'sha256-{allowed}'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-robots-tag"] == "noindex, nofollow"
    assert answer.headers["cache-control"] == "private, no-cache"
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    ("summary", "shown"),
    [
        ("- Bees <b>.\n- Roofs.", "<ul>\n<li>Bees &lt;b&gt;.</li>\n<li>Roofs.</li>\n</ul>"),
        ("Bees.\n- Roofs.", '<p class="text">Bees.\n- Roofs.</p>'),
    ],
)
def test_bullets_are_shown_as_a_list(summary: str, shown: str) -> None:
    shared = SharedSummary(title=None, url=None, language="en", summary=summary, key_points=[])
    assert shown in public_page.render(shared)


def test_the_style_is_given_as_it_is_however_it_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """Escaped, it would have another digest than the header names."""
    style = 'main > p::before { content: "<&"; }'
    monkeypatch.setattr(public_page, "STYLE", style)
    assert f"<style>{style}</style>" in public_page.render_missing()


async def test_the_page_shows_the_summary_and_nothing_of_its_keeper(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    columns = {"author": "Ada Author", "url": "https://example.org/a?b=1&c=2"}
    shared = await share(
        client,
        alice,
        await finished(client, app, alice, columns=columns, notes="secret note", tags=["secret tag"]),
    )
    for headers in (BROWSER, {"Accept": "application/json"}):
        text = (await look(client, shared, **headers)).text
        assert "It is gone." in text
        for hidden in ("secret", "Ada", "alice", str(alice.user_id), str(alice.organization_id)):
            assert hidden not in text
    page = (await look(client, shared)).text
    assert '<a href="https://example.org/a?b=1&amp;c=2" rel="noopener noreferrer nofollow"' in page


async def test_a_program_may_ask_for_json(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    shared = await share(
        client, alice, await finished(client, app, alice, columns={"url": "javascript:x", "language": "en"})
    )
    answer = await look(client, shared, Accept="application/json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == {
        "title": "The bridge",
        "url": None,
        "language": "en",
        "summary": "It is gone.",
        "key_points": ["Gone."],
    }


@pytest.mark.parametrize(
    ("language", "attributes"),
    [
        ("ar", 'lang="ar" dir="rtl"'),
        ("he-IL", 'lang="he-IL" dir="rtl"'),
        ("de", 'lang="de" dir="ltr"'),
        (None, 'dir="auto"'),
    ],
)
async def test_the_writing_runs_as_its_language_does(
    client: AsyncClient, app: FastAPI, alice: Person, language: str | None, attributes: str
) -> None:
    columns = {"language": language, "title": None}
    shared = await share(client, alice, await finished(client, app, alice, columns=columns))
    page = (await look(client, shared, **BROWSER)).text
    assert f"<article {attributes}>" in page
    assert "<title>A summary</title>" in page


async def test_an_unchanged_page_is_304(client: AsyncClient, app: FastAPI, alice: Person) -> None:
    summary_id = await finished(client, app, alice)
    shared = await share(client, alice, summary_id)
    etag = (await look(client, shared, **BROWSER)).headers["etag"]
    assert (await look(client, shared, **BROWSER, **{"If-None-Match": etag})).status_code == 304
    await set_columns(app, alice, summary_id, title="Another")
    assert (await look(client, shared, **BROWSER, **{"If-None-Match": etag})).status_code == 200


async def test_views_are_counted_but_not_what_is_fetched_ahead(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    summary_id = await finished(client, app, alice)
    shared = await share(client, alice, summary_id)
    for _ in range(2):
        await look(client, shared, **BROWSER)
    await look(client, shared, **{"Sec-Purpose": "prefetch;prerender"})
    await look(client, shared, **{"X-Moz": "prefetch"})
    assert (await client.head(f"/s/{shared['share_id']}")).status_code == 200
    await app.state.share_views.write()
    assert await views_of(client, alice, summary_id) == 2


async def views_of(client: AsyncClient, person: Person, summary_id: str) -> int:
    read = await client.get(f"{PATH}/{summary_id}/share", headers=person.headers)
    return int(read.json()["view_count"])


class FlakyDatabase(Database):
    """Away at first."""

    is_back = False

    @override
    @asynccontextmanager
    async def transaction(self, tenant: Tenant | None = None) -> AsyncIterator[AsyncSession]:
        if not self.is_back:
            self.is_back = True
            raise OSError("nobody listens")
        async with super().transaction(tenant) as session:
            yield session


async def test_views_that_cannot_be_written_are_written_later(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    summary_id = await finished(client, app, alice)
    await share(client, alice, summary_id)
    views = ViewCounter(FlakyDatabase(app.state.database.engine))
    for _ in range(2):
        views.count(alice.organization_id, UUID(summary_id))
        await views.write()
    assert await views_of(client, alice, summary_id) == 2


async def test_views_are_written_while_the_service_runs(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    summary_id = await finished(client, app, alice)
    await share(client, alice, summary_id)
    views = ViewCounter(app.state.database)
    views.count(alice.organization_id, UUID(summary_id))
    async with written_every_few_seconds(views, seconds=0.01):
        while await views_of(client, alice, summary_id) == 0:  # noqa: ASYNC110  # a row has no event
            await asyncio.sleep(0.01)


async def test_of_too_many_pages_the_first_ones_are_counted(app: FastAPI, alice: Person) -> None:
    views = ViewCounter(app.state.database, most_pages=1)
    views.count(alice.organization_id, alice.user_id)
    views.count(alice.organization_id, alice.organization_id)
    assert len(views._views) == 1  # noqa: SLF001  # what it holds is the claim


async def test_whoever_looks_too_often_is_429(client: AsyncClient) -> None:
    answers = await asyncio.gather(*(client.get("/s/no-link") for _ in range(200)))
    assert {answer.status_code for answer in answers} == {404, 429}
