from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
import sentry_sdk
import structlog
from fastapi import FastAPI, Request
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport
from structlog.testing import capture_logs
from typing_extensions import override

from app.core.errors import NotFoundError, UnavailableError
from app.core.sentry import configure_sentry
from tests.core.small_app import connect, small_app, small_settings

pytestmark = pytest.mark.unit

DSN = "https://public@sentry.invalid/1"
SECRETS = {
    "bearer": "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "key": "prc_live_012345678901234567890123456789abcdef",
    "cookie": "session-hunter2",
    "query": "query-hunter2",
    "body": "body-hunter2",
    "local": "local-hunter2",
}
CREDENTIALS = {
    "Authorization": f"Bearer {SECRETS['bearer']}",
    "X-API-Key": SECRETS["key"],
    "Cookie": f"session={SECRETS['cookie']}",
}


class Capturing(Transport):
    sent: ClassVar[list[Envelope]] = []

    @override
    def capture_envelope(self, envelope: Envelope) -> None:
        self.sent.append(envelope)


@pytest.fixture
def sent() -> Iterator[list[Envelope]]:
    Capturing.sent.clear()
    configure_sentry(small_settings(sentry_dsn=DSN), release="9.9.9", transport=Capturing)
    yield Capturing.sent
    sentry_sdk.get_client().close()
    sentry_sdk.get_global_scope().set_client(None)


def events(sent: list[Envelope]) -> list[dict[str, Any]]:  # Any: JSON
    found = [envelope.get_event() for envelope in sent]
    return [dict(event) for event in found if event]


def crashing_app(error: Exception) -> FastAPI:
    app = small_app()

    @app.post("/crash/{item}")
    async def crash(item: str, request: Request) -> None:
        body, local = await request.body(), SECRETS["local"] + item
        assert body
        assert local
        raise error

    return app


async def crash(error: Exception) -> int:
    async with connect(crashing_app(error)) as client:
        response = await client.post(
            f"/crash/1?token={SECRETS['query']}",
            content=SECRETS["body"],
            headers=CREDENTIALS,
        )
    return response.status_code


async def test_a_crash_is_told_plainly_whatever_was_captured_before(sent: list[Envelope]) -> None:
    """The default would look for the source files of its traceback, on the event loop."""
    structlog.reset_defaults()
    with capture_logs():
        pass
    assert await crash(RuntimeError("broken")) == 500
    assert len(events(sent)) == 1


@pytest.mark.parametrize("error", [NotFoundError(), UnavailableError(), ConnectionRefusedError()])
async def test_expected_error_is_never_reported(sent: list[Envelope], error: Exception) -> None:
    assert await crash(error) in {404, 503}
    assert events(sent) == []


async def test_expected_error_that_a_library_captures_is_dropped(sent: list[Envelope]) -> None:
    sentry_sdk.capture_exception(NotFoundError())
    assert events(sent) == []


async def test_unexpected_error_is_reported_once_without_any_secret(sent: list[Envelope]) -> None:
    assert await crash(RuntimeError(f"cannot use {SECRETS['key']}")) == 500
    assert len(events(sent)) == 1
    text = b"".join(envelope.serialize() for envelope in sent).decode()
    assert [name for name, secret in SECRETS.items() if secret in text] == []


async def test_report_names_release_environment_route_and_request(sent: list[Envelope]) -> None:
    await crash(RuntimeError("boom"))
    event = events(sent)[0]
    assert (event["release"], event["environment"]) == ("9.9.9", "testing")
    assert "/crash/{item}" in event["transaction"] or "crash" in event["transaction"]
    assert event["tags"]["request_id"]


async def test_error_outside_a_request_is_reported_without_an_id(sent: list[Envelope]) -> None:
    sentry_sdk.capture_exception(RuntimeError("in a worker"))
    assert "request_id" not in events(sent)[0].get("tags", {})


async def test_message_without_an_error_is_reported(sent: list[Envelope]) -> None:
    sentry_sdk.capture_message("rt1_abcdef")
    assert events(sent)[0]["message"] == "[redacted]"


def test_nothing_is_sent_without_a_dsn() -> None:
    assert not configure_sentry(small_settings(), release="1")
