"""Spans on their way out: sampled by their trace, stripped to what is known to be harmless, sent by OTLP.

FastAPI puts the path and the query of a request into its span. A list of what may leave is kept here rather
than one of what may not: an attribute that a later version invents stays inside.
"""

from collections.abc import Sequence

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased
from opentelemetry.trace import SpanContext
from opentelemetry.trace.status import Status
from typing_extensions import override

from app.settings import Settings

# Seconds until a batch is given up: a collector that hangs must not hold up the end of a process.
EXPORT_SECONDS = 5
ALLOWED = frozenset(
    {
        "code.function.name",
        "db.operation.name",
        "db.query.summary",
        "db.system.name",
        "error.type",
        "http.request.method",
        "http.response.status_code",
        "http.route",
        "messaging.destination.name",
        "messaging.message.id",
        "messaging.operation.type",
        "messaging.system",
        "network.protocol.name",
        "network.protocol.version",
        "precis.attempt",
        "precis.delivery_id",
        "precis.organization_id",
        "precis.outcome",
        "precis.request_id",
        "precis.summary_id",
        "url.scheme",
    }
)


class CleanExporter(SpanExporter):
    """Hands on spans of allowed attributes: no event, no link, no message, nobody's tracestate."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter = exporter

    @override
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        return self._exporter.export([clean(span) for span in spans])

    @override
    def shutdown(self) -> None:
        self._exporter.shutdown()


def clean(span: ReadableSpan) -> ReadableSpan:
    attributes = span.attributes or {}
    return ReadableSpan(
        name=span.name,
        context=_without_state(span.context),
        parent=_without_state(span.parent),
        resource=span.resource,
        attributes={name: value for name, value in attributes.items() if name in ALLOWED},
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def _without_state(context: SpanContext | None) -> SpanContext | None:
    if context is None:
        return None
    return SpanContext(context.trace_id, context.span_id, context.is_remote, context.trace_flags)


def make_provider(settings: Settings, *, service: str, release: str) -> TracerProvider:
    url = f"{settings.otel_exporter_otlp_endpoint}/v1/traces"
    exporter = OTLPSpanExporter(endpoint=url, timeout=EXPORT_SECONDS)
    processor = BatchSpanProcessor(CleanExporter(exporter))
    return provider_with(processor, settings, service=service, release=release)


def provider_with(
    processor: SpanProcessor, settings: Settings, *, service: str, release: str
) -> TracerProvider:
    """A share of traces by their id, whole: the job's process decides as the request's did.

    Not by the caller's flag: anybody could have every one of their requests recorded.
    """
    about = {
        "service.name": service,
        "service.version": release,
        "deployment.environment.name": settings.environment.value,
    }
    sampler = TraceIdRatioBased(settings.otel_traces_sampler_arg)
    provider = TracerProvider(sampler=sampler, resource=Resource.create(about))
    provider.add_span_processor(processor)
    return provider
