import asyncio
import os
import re
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr

from app.core.metrics import may_scrape, render_metrics, tell_version
from tests.core.small_app import connect, get, small_app
from tests.measured import value

pytestmark = pytest.mark.unit
ROOT = Path(__file__).resolve().parents[2]


PROGRAM = """
import app.main
from app.core.metrics import render_metrics, tell_version
tell_version("1.2.3")
print(render_metrics().decode())
"""
EXPECTED_AT_0 = (
    'precis_auth_total{action="oauth",outcome="refused"}',
    'precis_ratelimit_checked_total{limit="login"}',
    'precis_summaries_submitted_total{source="file"}',
    'precis_summaries_finished_total{outcome="failed",reason="internal"}',
    'precis_summary_freshness_seconds_bucket{le="30.0"}',
    'precis_db_failures_total{kind="pool"}',
)


async def text_of_a_new_process(folder: Path) -> str:
    """As gunicorn's processes write it."""
    environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(folder)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, cwd=ROOT, env=environment, stdout=asyncio.subprocess.PIPE
    )
    answer, _ = await process.communicate()
    return answer.decode()


def requests_counted(*, method: str = "GET", **labels: str) -> float:
    return value("http_requests_total", method=method, **labels)


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer wrong", "secret", "Basic secret", "Bearer é"]
)
def test_scrape_without_the_token_is_refused(authorization: str | None) -> None:
    assert not may_scrape(authorization, SecretStr("secret"))


def test_scrape_with_the_token_is_let_through() -> None:
    assert may_scrape("Bearer secret", SecretStr("secret"))


def test_scrape_is_open_where_no_token_is_set() -> None:
    assert may_scrape(None, None)


async def test_request_is_counted_by_template_and_whole_status_in_every_app() -> None:
    labels = {"handler": "/api/v1/items/{item_id}", "status": "200"}
    before = requests_counted(**labels)
    for _ in range(2):  # a second app must not register the names again
        await get(small_app(), "/api/v1/items/7")
    assert requests_counted(**labels) == before + 2


async def test_unknown_paths_share_one_label() -> None:
    before = requests_counted(handler="none", status="404")
    await get(small_app(), "/guess-1")
    await get(small_app(), "/guess-2")
    assert requests_counted(handler="none", status="404") == before + 2


async def test_a_made_up_method_makes_no_series_of_its_own() -> None:
    async with connect(small_app()) as client:
        for method in ("BREW", "PROPFIND", "OPTIONS"):
            before = requests_counted(method="other", handler="none", status="405")
            await client.request(method, "/api/v1/items/7")
            assert requests_counted(method="other", handler="none", status="405") == before + 1


async def test_a_method_that_a_route_does_not_serve_makes_no_series_of_the_route() -> None:
    before = requests_counted(method="PATCH", handler="none", status="405")
    async with connect(small_app()) as client:
        await client.patch("/api/v1/items/7")
    assert requests_counted(method="PATCH", handler="none", status="405") == before + 1


async def test_a_head_is_counted_as_the_get_that_it_is() -> None:
    labels = {"handler": "/api/v1/items/{item_id}", "status": "200"}
    before = requests_counted(**labels)
    async with connect(small_app()) as client:
        await client.head("/api/v1/items/7")
    assert requests_counted(**labels) == before + 1


def test_the_version_that_runs_is_told() -> None:
    tell_version("1.2.3")
    assert value("precis_build_info", version="1.2.3") == 1


def test_no_series_says_when_another_began() -> None:
    assert re.findall(rb"^\w+_created[ {].*", render_metrics(), re.MULTILINE) == []


def test_objective_of_250_ms_is_a_bucket() -> None:
    small_app().build_middleware_stack()
    assert b'http_request_duration_highr_seconds_bucket{le="0.25"}' in render_metrics()


async def test_closed_lists_are_exposed_at_0_by_many_processes_too(tmp_path: Path) -> None:
    text = await text_of_a_new_process(tmp_path)
    for line in EXPECTED_AT_0:
        assert f"{line} 0.0\n" in text
    assert 'precis_build_info{version="1.2.3"} 1.0\n' in text
    assert "pid=" not in text


def test_several_processes_are_read_from_their_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    assert b"python_info" not in render_metrics()
