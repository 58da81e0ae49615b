from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from pydantic import SecretStr

from app.core.metrics import may_scrape, render_metrics
from tests.core.small_app import get, small_app

pytestmark = pytest.mark.unit


def requests_counted(**labels: str) -> float:
    return REGISTRY.get_sample_value("http_requests_total", {"method": "GET", **labels}) or 0.0


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


def test_objective_of_250_ms_is_a_bucket() -> None:
    small_app().build_middleware_stack()
    assert b'http_request_duration_highr_seconds_bucket{le="0.25"}' in render_metrics()


def test_several_processes_are_read_from_their_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    assert b"python_info" not in render_metrics()
