import logging
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from starlette.types import Message, Receive, Scope, Send
from structlog.testing import capture_logs

from app.core.middleware import access_log
from app.core.principal import MembershipRole, Plan, Principal, PrincipalKind, StaffRole
from tests.core.small_app import configure_plain_logs, connect, failing_app, get, post, small_app

pytestmark = pytest.mark.unit
SOMEONE = UUID(int=7)


@pytest.fixture
def lines() -> Iterator[list[Any]]:  # Any: log fields
    configure_plain_logs()
    level = access_log.logger.standard.level
    access_log.logger.standard.setLevel(logging.DEBUG)
    with capture_logs() as captured:
        yield captured
    access_log.logger.standard.setLevel(level)


async def line(lines: list[Any], app: FastAPI, path: str) -> dict[str, Any]:  # Any: log fields
    await get(app, path)
    found: dict[str, Any] = next(line for line in lines if line["event"] == "request")
    return found


async def test_line_names_the_template_and_never_the_query(lines: list[Any]) -> None:
    found = await line(lines, small_app(), "/api/v1/items/share-secret?name=hunter2")
    assert (found["method"], found["route"], found["status"]) == ("GET", "/api/v1/items/{item_id}", 200)
    assert found["bytes"] == len(b'{"id":"share-secret"}')
    assert "hunter2" not in str(found)
    assert "share-secret" not in str(found)


async def test_path_without_a_route_is_not_logged(lines: list[Any]) -> None:
    found = await line(lines, small_app(), "/hunter2")
    assert (found["route"], found["status"], found["code"]) == (None, 404, "not_found")
    assert (found["principal"], "hunter2" in str(found)) == ("anonymous", False)


async def test_method_that_somebody_invented_is_one_word(lines: list[Any]) -> None:
    async with connect(small_app()) as client:
        await client.request("HUNTER2", "/api/v1/items")
    assert [line["method"] for line in lines if line["event"] == "request"] == ["OTHER"]


@pytest.mark.parametrize(
    ("messages", "status", "size"),
    [
        ([], 500, 0),
        ([{"type": "websocket.close"}], 403, 0),
        ([{"type": "websocket.http.response.start", "status": 401}], 401, 0),
        (
            [
                {"type": "websocket.accept"},
                {"type": "websocket.send", "text": "\u00e4", "bytes": None},
                {"type": "websocket.send", "bytes": b"abc"},
                {"type": "websocket.close"},
            ],
            101,
            5,
        ),
    ],
)
async def test_web_socket_has_one_line_too(
    lines: list[Any], messages: list[Message], status: int, size: int
) -> None:
    async def socket(_scope: Scope, _receive: Receive, send: Send) -> None:
        for message in messages:
            await send(message)

    async def ignore(_message: Message) -> None: ...

    async def nothing() -> Message:
        return {"type": "websocket.connect"}

    await access_log.AccessLogMiddleware(socket)({"type": "websocket", "path": "/ws"}, nothing, ignore)
    (found,) = lines
    assert (found["method"], found["status"], found["bytes"]) == ("WEBSOCKET", status, size)


async def test_crash_is_logged_as_500(lines: list[Any]) -> None:
    found = await line(lines, failing_app(RuntimeError("boom")), "/fail")
    assert (found["status"], found["code"]) == (500, "internal_error")


async def test_refusal_by_middleware_is_logged(lines: list[Any]) -> None:
    await post(small_app(), "/api/v1/raw", content=b"a" * (1024 * 1024 + 1))
    assert [line["status"] for line in lines if line["event"] == "request"] == [413]


@pytest.mark.parametrize(("path", "level"), [("/ping", "debug"), ("/api/v1/items", "info")])
async def test_probes_are_logged_below_the_usual_level(lines: list[Any], path: str, level: str) -> None:
    assert (await line(lines, small_app(), path))["log_level"] == level


@pytest.mark.parametrize(
    ("kind", "role", "named", "credential"),
    [
        ("user", StaffRole.USER, "user", "session_id"),
        ("user", StaffRole.MODERATOR, "staff", "session_id"),
        ("api_key", StaffRole.USER, "api_key", "key_id"),
    ],
)
def test_line_names_the_caller_by_ids(
    kind: PrincipalKind, role: StaffRole, named: str, credential: str
) -> None:
    principal = Principal(
        kind=kind,
        user_id=SOMEONE,
        organization_id=SOMEONE,
        credential_id=SOMEONE,
        staff_role=role,
        membership_role=MembershipRole.OWNER,
        plan=Plan.FREE,
        scopes=frozenset(),
    )
    ids = dict.fromkeys(("user_id", "organization_id", credential), str(SOMEONE))
    assert principal.in_log == {"principal": named, **ids}
