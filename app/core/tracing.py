"""Spans, off by default: how long each part of a story took, told to a collector by OpenTelemetry.

FastAPI makes the span of a request itself; those of SQL, Redis, jobs, fetches and deliveries are made where
each has its one door. The SDK, an optional package, is imported where the setting names a collector.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from fastapi.telemetry import TelemetryConfig
from opentelemetry import trace
from opentelemetry.trace import INVALID_SPAN, Span, SpanKind, StatusCode, Tracer, TracerProvider

from app.core.middleware.access_log import QUIET_PATHS
from app.settings import Settings, SettingsError

NAME = "precis"
NOT_INSTALLED = "OTEL_EXPORTER_OTLP_ENDPOINT: needs the packages of requirements-tracing.lock"


@dataclass
class _Process:
    """What of this module a process has one of."""

    provider: TracerProvider | None = None
    tracer: Tracer | None = None


_process = _Process()


def configure_tracing(settings: Settings, *, service: str, release: str) -> bool:
    """Whether spans are made: only where a collector is named. Raises SettingsError."""
    if settings.otel_exporter_otlp_endpoint is None:
        use_provider(None)
        return False
    try:
        # By name, as nothing of it may be loaded where tracing is off.
        export = import_module("app.core.trace_export")
    except ImportError:
        raise SettingsError([NOT_INSTALLED]) from None
    use_provider(export.make_provider(settings, service=service, release=release))
    return True


def use_provider(provider: TracerProvider | None) -> None:
    _process.provider = provider
    _process.tracer = provider.get_tracer(NAME) if provider else None


def is_tracing() -> bool:
    return _process.provider is not None


def telemetry_config() -> TelemetryConfig:
    """For FastAPI: the one span of a request, from the provider of now, and nothing of its own choosing.

    Its logs would hold exceptions' messages, its metrics are ours already, and it looks for no exporter.
    """
    return {
        "tracing": is_tracing(),
        "tracer_provider": _process.provider,
        "metrics": False,
        "logs": False,
        "operation_spans": False,
        "auto_configure": False,
        "exclude": lambda scope: scope.get("path") in QUIET_PATHS,
    }


@contextmanager
def span(
    name: str, *, kind: SpanKind = SpanKind.INTERNAL, attributes: Mapping[str, Any] | None = None
) -> Iterator[Span]:  # Any: as OpenTelemetry's attributes
    """Of an error only its class is kept: messages quote what people wrote."""
    if _process.tracer is None:
        yield INVALID_SPAN
        return
    with _process.tracer.start_as_current_span(
        name, kind=kind, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as made:
        try:
            yield made
        except BaseException as error:
            note_failure(made, error)
            raise


@contextmanager
def part(
    name: str, *, kind: SpanKind = SpanKind.CLIENT, attributes: Mapping[str, Any] | None = None
) -> Iterator[Span]:  # Any: as above
    """A span inside another that is recorded; what a process does for itself would be thousands of traces."""
    if _process.tracer is None or not trace.get_current_span().is_recording():
        yield INVALID_SPAN
        return
    with span(name, kind=kind, attributes=attributes) as made:
        yield made


def begin_part(name: str, *, attributes: Mapping[str, Any]) -> Span | None:  # Any: as above
    """As `part`, for whoever ends it in another function; None where there is nothing to end."""
    if _process.tracer is None or not trace.get_current_span().is_recording():
        return None
    return _process.tracer.start_span(name, kind=SpanKind.CLIENT, attributes=attributes)


def note_failure(failed: Span, error: BaseException) -> None:
    failed.set_attribute("error.type", type(error).__name__)
    failed.set_status(StatusCode.ERROR)
