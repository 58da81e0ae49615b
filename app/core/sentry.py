"""Error reports without secrets.

Frame locals are off: `scope["headers"]`, and with it every credential, would stand in some thirty frames.
"""

from typing import Any

import sentry_sdk
from sentry_sdk.integrations.fastapi import FastApiIntegration
from sentry_sdk.integrations.logging import LoggingIntegration
from sentry_sdk.integrations.starlette import StarletteIntegration
from sentry_sdk.transport import Transport
from sentry_sdk.types import Event, Hint

from app.core.errors import ProblemError
from app.core.origin import current_request_id, current_trace_id
from app.core.redaction import REDACTED, redact
from app.core.reports import report_by
from app.settings import Settings

# Of a request only its method and address are kept; everything else may carry a credential.
KEPT_REQUEST_PARTS = ("method", "url")


def scrub(event: Event, hint: Hint) -> Event | None:
    """Drops expected failures, then whatever of the event could hold a credential."""
    _, error, _ = hint.get("exc_info") or (None, None, None)
    if isinstance(error, ProblemError):
        return None
    request: dict[str, Any] = event.get("request") or {}  # Any: Sentry's event is JSON
    event["request"] = {name: request[name] for name in KEPT_REQUEST_PARTS if name in request}
    _hide_rows(event, error)
    event.pop("user", None)
    event.pop("breadcrumbs", None)
    # Nothing of ours; a library's may be anything, and the command line is among them.
    event.pop("extra", None)
    ids = {"request_id": current_request_id(), "trace_id": current_trace_id()}
    tags = {name: value for name, value in ids.items() if value}
    if tags:
        event["tags"] = {**dict(event.get("tags") or {}), **tags}
    cleaned: Event = redact(event)
    return cleaned


def _hide_rows(event: Event, error: BaseException | None) -> None:
    """Sentry prefers an error's `detail` to its text: with PostgreSQL that is the row which it refused."""
    details = set()
    while error is not None:
        details.add(str(getattr(error, "detail", None)))
        error = error.__cause__ or error.__context__
    exceptions: Any = event.get("exception") or {}  # Any: as above
    for shown in exceptions.get("values") or ():
        if shown.get("value") in details:
            shown["value"] = REDACTED


def configure_sentry(settings: Settings, *, release: str, transport: type[Transport] | None = None) -> bool:
    """Whether reports are sent: only where SENTRY_DSN is set. `transport` is for tests."""
    if settings.sentry_dsn is None:
        return False
    sentry_sdk.init(
        dsn=settings.sentry_dsn.get_secret_value(),
        environment=settings.environment.value,
        release=release,
        transport=transport,
        before_send=scrub,
        data_collection={
            "user_info": False,
            "cookies": {"mode": "off"},
            "http_headers": {"request": {"mode": "off"}},
            "http_bodies": [],
            "url_query_params": {"mode": "off"},
            "database_query_data": False,
            "stack_frame_variables": False,
        },
        # Or its integration reads and parses each small body before our own limits and guard have seen it.
        max_request_body_size="never",
        max_breadcrumbs=0,
        integrations=[
            # A report is made where the error is caught (middleware/unhandled.py), not by its log line too.
            LoggingIntegration(level=None, event_level=None),
            StarletteIntegration(failed_request_status_codes=set()),
            FastApiIntegration(failed_request_status_codes=set()),
        ],
    )
    report_by(sentry_sdk.capture_exception)
    return True
