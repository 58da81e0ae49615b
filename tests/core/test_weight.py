"""What a process that serves carries: only what it serves with."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.core.schema_version import ROOT
from app.core.serving.extras import EXTRAS

pytestmark = pytest.mark.unit
# The libraries that read and judge pages, and those that other processes of ours work with.
OTHERS = (
    *("trafilatura", "htmldate", "dateparser", "lxml", "justext", "py3langid", "numpy", "pypdf", "docx"),
    *("pebble", "procrastinate", "psycopg", "alembic", "mako", "typer", "sentry_sdk", *EXTRAS),
    # Loaded with the first page, feed, code or list of XML.
    *("jinja2", "segno", "defusedxml", "xml"),
    *("app.reading.extract", "app.reading.summarize", "app.reading.sandbox", "app.reading.fetch"),
    *("app.worker", "app.local", "app.operations"),
)
SCRIPT = """
import os, sys
import gunicorn.app.base, uvloop
from app.core.serving.extras import leave_out_extras
from app.core.serving.garbage import collect_seldom
leave_out_extras()
collect_seldom()
from app.main import app
resident = int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
print(resident, *(name for name, module in sys.modules.items() if module))
"""
# Demanded of a worker; whoever adds a library sees what it weighs.
MOST_BYTES = 130_000_000


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> tuple[int, set[str]]:
    """A fresh process with the application built: its resident bytes and its modules."""
    folder: Path = tmp_path_factory.mktemp("keys")
    given = {"ENVIRONMENT": "testing", "JWT_KEYS_DIR": str(folder), "PATH": os.environ["PATH"]}
    command = [sys.executable, "-c", SCRIPT]
    # The first of a fresh checkout compiles all that it imports, libraries too, which weighs 4 MB.
    for _ in range(2):
        finished = subprocess.run(command, cwd=ROOT, env=given, capture_output=True, text=True, check=True)  # noqa: S603  # our own
    resident, *modules = finished.stdout.split()
    return int(resident), set(modules)


def test_nothing_of_the_reading_stack_is_imported(served: tuple[int, set[str]]) -> None:
    _, modules = served
    assert modules.isdisjoint(OTHERS)


def test_a_fresh_process_is_light(served: tuple[int, set[str]]) -> None:
    resident, _ = served
    assert resident < MOST_BYTES
