import subprocess
import sys

import pytest

from app.core.schema_version import ROOT
from app.core.serving.extras import EXTRAS

pytestmark = pytest.mark.unit
WITHOUT = "from app.core.serving.extras import leave_out_extras; leave_out_extras()"


def loaded(*statements: str) -> set[str]:
    """What a fresh process has in the end."""
    told = "import sys; print(*(name for name, module in sys.modules.items() if module))"
    command = [sys.executable, "-W", "ignore", "-c", "; ".join([*statements, told])]
    finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603  # our own
    return set(finished.stdout.split())


def test_a_process_that_does_not_say_so_has_them() -> None:
    assert {"rich", "pygments"} <= loaded("import httpx")


def test_those_who_would_load_them_do_without() -> None:
    found = loaded(WITHOUT, "import httpx, structlog, redis, app.core.sentry, app.core.trace_export")
    assert {"httpx", "structlog", "redis", "sentry_sdk", "opentelemetry.sdk.trace"} <= found
    assert found.isdisjoint(EXTRAS)


def test_what_is_there_already_stays() -> None:
    assert "rich" in loaded("import rich", WITHOUT)
