"""Packages that a library loads wherever they are installed, and that a server has no use for.

Each is a library's own option: an import that may fail, and then does without. They are installed for the
command line, or with something else; in a process that serves they were 12 of 146 MB.
"""

import sys

EXTRAS = (
    # httpx's and structlog's, for colours: our log is JSON, or has plain tracebacks.
    "rich",
    "pygments",
    # The forms that FastAPI still tells from today's.
    "pydantic.v1",
    # redis-py's figures of itself, for which it wants the whole SDK.
    "opentelemetry.sdk.metrics",
    # What OpenTelemetry says of the process where it is asked.
    "psutil",
)


def leave_out_extras() -> None:
    """Before they are first imported: None in `sys.modules` is an ImportError (language reference, 5.3.1)."""
    for name in EXTRAS:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # typeshed knows modules only
