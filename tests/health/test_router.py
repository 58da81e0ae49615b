from datetime import datetime, timedelta

import pytest

from app import __version__
from tests.core.small_app import PRODUCTION, connect, get, problem, small_settings
from tests.health.fakes import JWKS, Part, health_app

pytestmark = pytest.mark.unit
SECRET = "postgresql://app:hunter2@db/x"


async def test_ping_names_environment_and_testing() -> None:
    response = await get(health_app(small_settings(testing=True)), "/ping")
    assert response.json() == {"ping": "pong", "environment": "testing", "testing": True}


async def test_liveness_touches_nothing() -> None:
    response = await get(health_app(database=Part(hangs=True), redis=Part(hangs=True)), "/health")
    body = response.json()
    assert (body["status"], body["version"]) == ("healthy", __version__)
    assert datetime.fromisoformat(body["timestamp"]).utcoffset() == timedelta(0)
    assert body["timestamp"].endswith("Z")


@pytest.mark.parametrize("part", ["database", "schema"])
async def test_without_database_or_with_a_wrong_schema_it_is_not_ready(part: str) -> None:
    broken = Part(RuntimeError(SECRET))
    app = health_app(database=broken) if part == "database" else health_app(schema=broken)
    response = await get(app, "/health/ready")
    body = response.json()
    assert (response.status_code, body["status"]) == (503, "unhealthy")
    assert body["checks"][part]["status"] == "unhealthy"
    assert "hunter2" not in response.text


async def test_without_redis_it_is_ready_but_degraded() -> None:
    response = await get(health_app(redis=Part(RuntimeError(SECRET))), "/health/ready")
    body = response.json()
    assert (response.status_code, body["status"]) == (200, "degraded")
    assert body["checks"]["redis"]["status"] == "degraded"


async def test_ready_names_each_check_with_its_milliseconds() -> None:
    body = (await get(health_app(), "/health/ready")).json()
    assert body["status"] == "healthy"
    assert set(body["checks"]) == {"database", "redis", "schema"}
    assert all(set(check) == {"status", "ms"} for check in body["checks"].values())


async def test_frozen_database_is_given_up_after_two_seconds() -> None:
    response = await get(health_app(database=Part(hangs=True)), "/health/ready")
    assert response.status_code == 503
    assert 1900 < response.json()["checks"]["database"]["ms"] < 3000


async def test_draining_process_is_not_ready() -> None:
    app = health_app()
    app.state.draining = True
    response = await get(app, "/health/ready")
    assert (response.status_code, response.json()["status"]) == (503, "unhealthy")


async def test_info_has_its_four_members() -> None:
    body = (await get(health_app(), "/info")).json()
    assert set(body) == {"app_name", "version", "environment", "debug"}


async def test_metrics_without_their_token_are_not_found() -> None:
    app = health_app(small_settings(metrics_token="a token"))
    assert problem(await get(app, "/metrics"))["code"] == "not_found"
    assert (await get(app, "/metrics", headers={"Authorization": "Bearer a token"})).status_code == 200


async def test_metrics_are_prometheus_text() -> None:
    app = health_app()
    await get(app, "/info")
    response = await get(app, "/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=")
    assert 'handler="/info"' in response.text
    assert 'handler="/metrics"' not in response.text


async def test_public_keys_may_be_cached_for_five_minutes() -> None:
    response = await get(health_app(), "/.well-known/jwks.json")
    assert response.json() == JWKS
    assert response.headers["cache-control"] == "public, max-age=300"


@pytest.mark.parametrize("path", ["/ping", "/health", "/health/ready"])
async def test_production_answers_probes_over_http(path: str) -> None:
    assert (await get(health_app(small_settings(**PRODUCTION)), path)).status_code == 200


async def test_every_documented_route_is_anonymous_on_purpose() -> None:
    paths = health_app().openapi()["paths"]
    ours = [item["get"] for path, item in paths.items() if not path.startswith("/api/")]
    assert len(ours) == 8
    assert all(operation["security"] == [{}] for operation in ours)


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json", "/docs/assets/init.js"])
async def test_production_has_no_reference_unless_enabled(path: str) -> None:
    for enabled, status in ((None, 404), (True, 307 if path == "/redoc" else 200)):
        app = health_app(small_settings(**PRODUCTION, docs_enabled=enabled))
        async with connect(app, base_url="https://precis.example") as client:
            assert (await client.get(path)).status_code == status
