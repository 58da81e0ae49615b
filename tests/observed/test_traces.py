"""One submit is one trace, from the API to the delivery, and no span says what anybody said."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanContext, SpanKind, StatusCode
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.core.group_commit import GroupCommit
from app.core.schema_version import ROOT
from app.core.trace_export import ALLOWED, CleanExporter, provider_with
from app.core.tracing import configure_tracing, span, telemetry_config, use_provider
from app.main import build_app, connect
from app.settings import Settings, SettingsError
from tests.fixtures import BASE_URL
from tests.observed.sink import Sink
from tests.observed.story import API, Story, working
from tests.observed.test_logs import found_in
from tests.smtp_sink import SmtpSink
from tests.webhooks.receiver import Receiver

pytestmark = pytest.mark.integration
CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
TRACE = 0x0AF7651916CD43DD8448EB211C80319C
LOADED = """
import json, sys
sys.modules["opentelemetry.sdk"] = None
from app.main import create_app
import app.worker.process
from app.core.tracing import configure_tracing
from app.settings import load_settings
create_app(load_settings())
assert not configure_tracing(load_settings(), service="x", release="1")
print(json.dumps([name for name in sys.modules]))
"""


@pytest.fixture
def spans(settings: Settings) -> Iterator[InMemorySpanExporter]:
    """What a collector would be sent."""
    memory = InMemorySpanExporter()
    processor = SimpleSpanProcessor(CleanExporter(memory))
    use_provider(provider_with(processor, settings, service="precis-test", release="9.9.9"))
    yield memory
    use_provider(None)


@pytest.fixture
def built_app(settings: Settings, spans: InMemorySpanExporter) -> FastAPI:
    """Of its own: FastAPI is told of the tracing when it is built."""
    assert not spans.get_finished_spans()
    app = build_app(settings)
    connect(app, settings)
    return app


@pytest.fixture
def story(app: FastAPI, client: AsyncClient, stranger: Receiver, mail: SmtpSink) -> Story:
    return Story(app, client, stranger, mail)


def named(spans: InMemorySpanExporter, name: str) -> list[ReadableSpan]:
    return [made for made in spans.get_finished_spans() if made.name == name and trace_of(made) == TRACE]


def trace_of(span: ReadableSpan) -> int:
    return context_of(span).trace_id


def span_id(span: ReadableSpan) -> int:
    return context_of(span).span_id


def context_of(span: ReadableSpan) -> SpanContext:
    context: SpanContext | None = span.context
    assert context is not None
    return context


def said(span: ReadableSpan, attribute: str) -> object:
    return (span.attributes or {}).get(attribute)


def parent_of(span: ReadableSpan) -> int:
    parent: SpanContext | None = span.parent
    assert parent is not None
    return parent.span_id


@pytest.mark.alone
async def test_one_submit_is_one_trace_without_a_secret(
    story: Story, settings: Settings, spans: InMemorySpanExporter
) -> None:
    async with working(settings):
        await story.arrive()
        await story.open_doors()
        story.client.headers["traceparent"] = CALLER
        story.client.headers["tracestate"] = f"vendor={story.secrets['query']}"
        await story.submit("/page?patient=Quillfeather-7", asks="the-submit")
        headers = await story.be_told()
    (asked,) = named(spans, f"POST {API}/summaries")
    (job,) = named(spans, "summaries.summarise")
    (fetch,) = named(spans, "fetch")
    delivery = next(made for made in named(spans, "POST") if said(made, "precis.outcome") == "delivered")
    assert {parent_of(job), parent_of(fetch), parent_of(delivery)} == {span_id(asked), span_id(job)}
    assert int(headers["traceparent"].split("-")[2], 16) == span_id(delivery)
    assert {"redis", "SELECT accept_summaries", "UPDATE summaries"} <= {made.name for made in mine(spans)}
    assert (asked.kind, job.kind, delivery.kind) == (SpanKind.SERVER, SpanKind.CONSUMER, SpanKind.CLIENT)
    assert "tracestate" not in headers
    assert_harmless(spans, story.secrets)


def mine(spans: InMemorySpanExporter) -> list[ReadableSpan]:
    return [made for made in spans.get_finished_spans() if trace_of(made) == TRACE]


def assert_harmless(spans: InMemorySpanExporter, secrets: dict[str, str]) -> None:
    finished = spans.get_finished_spans()
    assert found_in("".join(made.to_json() for made in finished), secrets) == []
    assert {name for made in finished for name in made.attributes or {}} <= ALLOWED
    assert not any(made.events or made.links or made.status.description for made in finished)


async def test_a_failing_statement_is_a_failed_span_that_quotes_nothing(
    app: FastAPI, spans: InMemorySpanExporter
) -> None:
    divide = text("SELECT 1 / 0 AS hunter2 FROM users")
    with span("job"), pytest.raises(DBAPIError):
        async with app.state.database.transaction() as session:
            await session.execute(divide)
    (failed,) = [made for made in spans.get_finished_spans() if made.name.startswith("SELECT users")]
    assert failed.status.status_code is StatusCode.ERROR
    assert str(said(failed, "error.type")).endswith("DivisionByZeroError")
    assert "hunter2" not in failed.to_json()


async def test_who_waits_for_a_statement_that_others_share_has_a_span_like_its_own(
    app: FastAPI, spans: InMemorySpanExporter
) -> None:
    async def write(divisors: Sequence[int]) -> Sequence[int]:
        statement = text("SELECT 1 / unnest(CAST(:divisors AS integer[]))")
        return [row[0] for row in await app.state.database.alone(statement, {"divisors": divisors})]

    together = GroupCommit(write, name="SELECT hyperbola")
    with span("request"):
        assert await together.write(1) == 1
        with pytest.raises(DBAPIError):
            await together.write(0)
    done, failed = [made for made in spans.get_finished_spans() if made.name == "SELECT hyperbola"]
    assert (said(done, "db.operation.name"), said(done, "db.query.summary")) == ("SELECT", done.name)
    assert (done.status.status_code, failed.status.status_code) == (StatusCode.UNSET, StatusCode.ERROR)
    assert str(said(failed, "error.type")).endswith("DivisionByZeroError")


async def test_an_error_leaves_its_class_and_no_word(spans: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match="hunter2"), span("job"):
        raise ValueError("hunter2")
    (failed,) = spans.get_finished_spans()
    assert (failed.status.status_code, said(failed, "error.type")) == (StatusCode.ERROR, "ValueError")
    assert "hunter2" not in failed.to_json()


async def test_a_refusal_is_no_failed_span_and_a_probe_is_none(
    client: AsyncClient, spans: InMemorySpanExporter
) -> None:
    await client.get("/ping")
    assert spans.get_finished_spans() == ()
    form = {"username": "nobody", "password": "Cellar-Door-17-snow"}
    answer = await client.post(f"{API}/auth/token", data=form, headers={"traceparent": CALLER})
    (asked,) = named(spans, f"POST {API}/auth/token")
    assert answer.status_code == said(asked, "http.response.status_code") == 401
    assert asked.status.status_code is StatusCode.UNSET


@pytest.fixture
def collector() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


def stop_tracing() -> None:
    """What is still here goes to the collector, as where a process ends."""
    provider = telemetry_config().get("tracer_provider")
    use_provider(None)
    if isinstance(provider, TracerProvider):
        provider.shutdown()


@pytest.fixture
def telling_app(settings: Settings, collector: Sink) -> Iterator[FastAPI]:
    """Configured as a process is at its start."""
    named_one = {"otel_exporter_otlp_endpoint": f"http://{collector.address}"}
    configured = settings.model_copy(update=named_one)
    assert configure_tracing(configured, service="precis-api", release="9.9.9")
    app = build_app(configured)
    connect(app, configured)
    yield app
    stop_tracing()


async def test_spans_go_to_the_collector_that_is_named(telling_app: FastAPI, collector: Sink) -> None:
    async with AsyncClient(transport=ASGITransport(app=telling_app), base_url=BASE_URL) as client:
        await client.get("/nowhere/hunter2?who=hunter2")
    await asyncio.to_thread(stop_tracing)
    (batch,) = collector.posted
    assert batch.path == "/v1/traces"
    assert b"precis-api" in batch.body
    assert b"hunter2" not in batch.body


def test_api_and_worker_run_without_the_sdk(tmp_path: Path) -> None:
    """It is an optional package; FastAPI itself needs OpenTelemetry's API, which does nothing alone."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "SENTRY_DSN": "http://a@127.0.0.1:9/1",
    }
    command = [sys.executable, "-c", LOADED]
    done = subprocess.run(  # noqa: S603  # our own interpreter
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    assert "opentelemetry.trace" in loaded
    assert not {"opentelemetry.exporter", "app.core.trace_export"} & loaded


def test_missing_packages_are_told_in_one_line(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "app.core.trace_export", None)
    configured = settings.model_copy(update={"otel_exporter_otlp_endpoint": "http://127.0.0.1:9"})
    with pytest.raises(SettingsError, match=r"requirements-tracing\.lock"):
        configure_tracing(configured, service="x", release="1")


async def test_a_statement_that_is_part_of_nothing_makes_no_span(
    app: FastAPI, spans: InMemorySpanExporter
) -> None:
    spans.clear()
    async with app.state.database.transaction() as session:
        await session.execute(text("SELECT 1"))
        with pytest.raises(DBAPIError):
            await session.execute(text("SELECT 1 / 0"))
        await session.rollback()
    assert spans.get_finished_spans() == ()
