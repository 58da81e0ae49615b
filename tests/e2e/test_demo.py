"""./run --demo: what it prints is true, and a killed worker's job is done again, once."""

import asyncio
import json
import os
import re
import signal
import urllib.request
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.e2e.origin import SlowOrigin
from tests.e2e.running import Running, until

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("services")]


def call(demo: Running, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:  # Any: JSON
    """With the API key that the banner shows."""
    key = re.search(r"API key: +(\S+)", demo.text)
    assert key
    headers = {"X-API-Key": key[1], "Content-Type": "application/json"}
    data = json.dumps(body).encode() if body else None
    request = urllib.request.Request(f"{demo.ready()}/api/v1{path}", data, headers)  # noqa: S310  # our own
    with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310  # our own
        found: dict[str, Any] = json.load(answer)
        return found


def query(demo: Running, statement: str, *values: object) -> list[tuple[object, ...]]:
    """As the superuser, whose password and port lie in the run's directory."""
    named = re.search(r"\. '?(/[^';]+)/env", demo.text)
    assert named
    folder = Path(named[1]) / "postgres"
    password = folder.with_suffix(".password").read_text(encoding="ascii")
    port = int((folder / "data" / "postmaster.pid").read_text(encoding="ascii").splitlines()[3])

    async def run() -> list[tuple[object, ...]]:
        connection = await asyncpg.connect(
            host="127.0.0.1", port=port, user="postgres", password=password, database="precis"
        )
        try:
            return [tuple(row) for row in await connection.fetch(statement, *values)]
        finally:
            await connection.close()

    return asyncio.run(run())


def test_banner_shows_addresses_commands_and_credentials(demo: Running) -> None:
    url = demo.ready()
    for shown in (f"documentation: {url}/docs", "stop: Ctrl-C", "user:     demo", "password:", "API key:"):
        assert shown in demo.text
    assert demo.text.count(f"curl -s {url}/api/v1/") == 5


def test_printed_api_key_opens_the_api(demo: Running) -> None:
    assert call(demo, "/summaries?limit=1").keys() >= {"items", "next_cursor", "has_more"}


def test_killed_api_is_started_again(demo: Running) -> None:
    os.kill(demo.find("gunicorn"), signal.SIGKILL)
    assert until(lambda: "serve stopped (exit code -9); starting it again" in demo.text)
    assert until(lambda: answers(demo), seconds=90)


def answers(demo: Running) -> bool:
    try:
        return bool(call(demo, "/summaries?limit=1"))
    except OSError:
        return False


def test_job_of_a_killed_worker_is_done_again_and_written_once(demo: Running, origin: SlowOrigin) -> None:
    created = call(demo, "/summaries", {"url": f"http://{origin.address}/slow.html"})
    assert origin.asked.wait(20), demo.text
    os.kill(demo.find("app.worker"), signal.SIGKILL)
    path = f"/summaries/{created['id']}"
    assert until(lambda: call(demo, path)["status"] == "ready", seconds=120, pause=2), call(demo, path)
    assert "worker stopped (exit code -9); starting it again" in demo.text
    rows = query(
        demo,
        "SELECT s.attempt, j.status::text, (SELECT count(*) FROM procrastinate_events e"
        " WHERE e.job_id = j.id AND e.type = 'succeeded')"
        " FROM summaries s JOIN procrastinate_jobs j ON j.args->>'summary_id' = s.id::text"
        " WHERE s.id::text = $1",
        created["id"],
    )
    assert rows == [(2, "succeeded", 1)]
