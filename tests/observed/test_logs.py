"""A whole day of API and worker, in the log: everything that happened, and nothing that anybody said."""

import io
import json
import re
from typing import Any
from urllib.parse import quote, quote_plus
from uuid import UUID

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from app.core.middleware.access_log import Answer, describe
from app.core.principal import MembershipRole, Plan, Principal, PrincipalKind, StaffRole
from app.core.schema_version import ROOT
from app.settings import Settings
from tests.observed.story import Story, working
from tests.smtp_sink import SmtpSink
from tests.webhooks.receiver import Receiver

pytestmark = pytest.mark.integration


@pytest.fixture
def story(app: FastAPI, client: AsyncClient, stranger: Receiver, mail: SmtpSink) -> Story:
    return Story(app, client, stranger, mail)


def parsed(log: io.StringIO) -> list[dict[str, Any]]:  # Any: JSON
    return [json.loads(line) for line in log.getvalue().splitlines()]


def found_in(text: str, secrets: dict[str, str]) -> list[str]:
    forms = {name: {secret, quote(secret), quote_plus(secret)} for name, secret in secrets.items()}
    return [name for name, written in forms.items() if any(form in text for form in written)]


@pytest.mark.alone
async def test_a_whole_day_leaves_no_secret_in_the_log(
    story: Story, settings: Settings, log: io.StringIO
) -> None:
    async with working(settings):
        await story.arrive()
        await story.open_doors()
        await story.read()
        headers = await story.be_told()
        await story.err()
        await story.forget()
    lines = parsed(log)
    assert found_in(log.getvalue(), story.secrets) == []
    assert len(story.secrets) >= 30
    assert {"request", "job_tried", "job_put_off", "delivery_tried", "mail_sent"} <= {
        line["event"] for line in lines
    }
    assert_told_throughout(lines, headers)
    assert_every_request_is_told(lines)


def assert_told_throughout(lines: list[dict[str, Any]], headers: dict[str, str]) -> None:  # Any: JSON
    """From the request through its jobs to the delivery, under one request id and one trace id."""
    mine = [line for line in lines if line.get("request_id") == "the-submit"]
    assert {line["trace_id"] for line in mine} == {headers["traceparent"].split("-")[1]}
    assert headers["x-request-id"] == "the-submit"
    assert {"request", "summary_ready", "delivery_tried"} <= {line["event"] for line in mine}
    (tried,) = [line for line in mine if line.get("task") == "summaries.summarise" and "outcome" in line]
    assert {"job_id", "attempt", "organization_id", "summary_id", "ms"} <= tried.keys()
    assert tried["outcome"] == "done"


def assert_every_request_is_told(lines: list[dict[str, Any]]) -> None:  # Any: JSON
    requests = [line for line in lines if line["event"] == "request"]
    kinds = {line["principal"] for line in requests}
    assert kinds == {"anonymous", "user", "api_key"}
    assert {"WEBSOCKET", "GET", "POST"} == {line["method"] for line in requests}
    assert {line["route"] for line in requests if line["method"] == "WEBSOCKET"} == {"/ws/summaries"}
    always = {"route", "status", "ms", "bytes", "request_id", "trace_id"}
    assert all(always <= line.keys() for line in requests)
    assert not any("client" in line or "path" in line for line in requests)
    by_key = next(line for line in requests if line["principal"] == "api_key")
    assert {"user_id", "organization_id", "key_id"} <= by_key.keys()


def test_the_page_names_the_fields_that_a_request_has() -> None:
    """Held to the code: a field that is added is described, one that is gone is not."""
    page = (
        (ROOT / "docs/observability.md").read_text(encoding="utf-8").split("## Logs")[1].split("## Errors")[0]
    )
    rows = re.findall(r"^\| `(\w+)` \| ([\w, ]+) \|", page, re.MULTILINE)
    named = {name for name, of in rows if "request" in of or of == "all"}
    scope = {"type": "http", "method": "GET", "path": "/", "state": {"problem_code": "x"}}
    fields = describe(scope).keys() | Answer().fields().keys() | {"request_id", "trace_id"}
    callers = [principal(kind).in_log.keys() for kind in ("user", "api_key")]
    assert named == fields.union(*callers)


def principal(kind: PrincipalKind) -> Principal:
    nobody = UUID(int=0)
    return Principal(
        kind=kind,
        user_id=nobody,
        organization_id=nobody,
        credential_id=nobody,
        staff_role=StaffRole.USER,
        membership_role=MembershipRole.OWNER,
        plan=Plan.FREE,
        scopes=frozenset(),
    )
