"""Error reports as they leave by Sentry's own transport: nothing expected, no word of what was said."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
import sentry_sdk
from fastapi import FastAPI
from httpx2 import AsyncClient
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app.core.sentry import configure_sentry
from app.settings import Settings
from tests.accounts.post import KeptMail, make_post
from tests.factories import Person
from tests.observed.sink import Posted, Sink
from tests.observed.story import API, WORDS, Story, working
from tests.observed.test_logs import found_in
from tests.smtp_sink import SmtpSink
from tests.webhooks.receiver import Receiver

pytestmark = pytest.mark.integration


@pytest.fixture
def sentry(app: FastAPI, settings: Settings) -> Iterator[Sink]:
    assert app.state.settings is settings
    with Sink() as sink:
        dsn = SecretStr(f"http://public@{sink.address}/1")
        configure_sentry(settings.model_copy(update={"sentry_dsn": dsn}), release="9.9.9")
        yield sink
        sentry_sdk.get_client().close(timeout=2)
    sentry_sdk.get_global_scope().set_client(None)


@pytest.fixture
def story(app: FastAPI, client: AsyncClient, stranger: Receiver, mail: SmtpSink) -> Story:
    return Story(app, client, stranger, mail)


class Broken:
    """In the place of what reads lists: a fault that nobody thought of, and that quotes what it was given."""

    def __init__(self, words: str) -> None:
        self._words = words

    def __getattr__(self, name: str) -> Any:  # Any: whatever is asked for
        raise RuntimeError(f"{name}: cannot use {self._words}")


async def flushed(sink: Sink) -> list[dict[str, Any]]:  # Any: JSON
    await asyncio.to_thread(sentry_sdk.flush, 5)
    return [event for posted in sink.posted if (event := event_of(posted)) is not None]


def event_of(posted: Posted) -> dict[str, Any] | None:  # Any: JSON
    """An envelope is lines of JSON: its header, then each item's header and the item."""
    lines = [json.loads(line) for line in posted.body.splitlines() if line]
    pairs = zip(lines[1::2], lines[2::2], strict=True)
    return next((item for header, item in pairs if header["type"] == "event"), None)


@pytest.mark.alone
async def test_a_day_of_refusals_and_failures_is_no_report(
    story: Story, settings: Settings, sentry: Sink
) -> None:
    async with working(settings):
        await story.arrive()
        await story.open_doors()
        await story.read()
        await story.err()
    assert await flushed(sentry) == []


async def test_what_breaks_the_api_is_reported_without_a_secret(
    app: FastAPI, client: AsyncClient, alice: Person, sentry: Sink
) -> None:
    secrets = {"token": alice.access_token, **WORDS}
    said = f"{alice.access_token} of {WORDS['address']} at https://a.test/?{WORDS['query']}"
    app.state.summary_reads = Broken(said)
    headers = {**alice.headers, "User-Agent": WORDS["user agent"], "X-Request-ID": "the-crash"}
    answer = await client.get(f"{API}/summaries?q={WORDS['search']}&cursor=abc", headers=headers)
    assert answer.status_code == 500
    (event,) = await flushed(sentry)
    assert found_in(sentry.text, secrets) == []
    assert (event["release"], event["environment"]) == ("9.9.9", "testing")
    assert event["tags"]["request_id"] == "the-crash"
    assert len(event["tags"]["trace_id"]) == 32
    assert_frames_without_locals(event)


def assert_frames_without_locals(event: dict[str, Any]) -> None:  # Any: JSON
    frames = event["exception"]["values"][-1]["stacktrace"]["frames"]
    assert len(frames) > 3
    assert not any("vars" in frame for frame in frames)


async def test_what_breaks_a_job_is_reported_under_the_request_that_asked(
    app: FastAPI, client: AsyncClient, alice: Person, sentry: Sink
) -> None:
    assert alice.username == "alice"
    post = make_post(app, KeptMail(error=RuntimeError("cannot write to alice@example.com")))
    body = {"email": "alice@example.com"}
    await client.post(f"{API}/auth/forgot-password", json=body, headers={"X-Request-ID": "the-mail"})
    async with post.queue.open_async():
        await post.deliver()
    (event,) = await flushed(sentry)
    assert found_in(sentry.text, {"address": "alice@example.com"}) == []
    assert event["tags"]["request_id"] == "the-mail"
    assert event["exception"]["values"][-1]["type"] == "RuntimeError"
    assert_frames_without_locals(event)


async def test_a_row_that_the_database_refuses_is_not_quoted(
    app: FastAPI, alice: Person, charlie: Person, sentry: Sink
) -> None:
    rename = text("UPDATE users SET username = :name WHERE id = :id")
    ids = [{"id": person.user_id, "name": WORDS["username"]} for person in (alice, charlie)]
    async with app.state.database.open() as session:
        await session.execute(rename, ids[0])
        with pytest.raises(IntegrityError) as caught:
            await session.execute(rename, ids[1])
    # Else the claim below says nothing.
    assert caught.value.orig is not None
    assert WORDS["username"] in str(caught.value.orig.__cause__)
    sentry_sdk.capture_exception(caught.value)
    (event,) = await flushed(sentry)
    assert "UniqueViolationError" in str(event)
    assert found_in(sentry.text, WORDS) == []
