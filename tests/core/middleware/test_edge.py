"""The chain as a whole: headers, hosts, redirects, slashes, CORS, gzip."""

import gzip

import pytest
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send
from typing_extensions import override

from app.core.middleware import EXPOSED_HEADERS
from app.core.middleware.security_headers import ALWAYS
from tests.core.small_app import (
    PRODUCTION,
    PUBLIC_URL,
    connect,
    failing_app,
    get,
    post,
    problem,
    small_app,
    small_settings,
)

pytestmark = pytest.mark.unit
ORIGIN = "https://console.example"


@pytest.mark.parametrize("path", ["/api/v1/items", "/nowhere", "/fail"])
async def test_every_answer_carries_the_security_headers(path: str) -> None:
    response = await get(failing_app(RuntimeError("boom")), path)
    assert {name: response.headers[name] for name in ALWAYS} == ALWAYS
    assert "server" not in response.headers
    assert "strict-transport-security" not in response.headers


async def test_https_is_remembered_by_browsers() -> None:
    async with connect(small_app(), base_url="https://testserver") as client:
        response = await client.get("/api/v1/items")
    assert response.headers["strict-transport-security"].startswith("max-age=63072000")


async def test_page_keeps_its_own_policy() -> None:
    response = await get(small_app(), "/api/v1/page")
    assert response.headers.get_list("content-security-policy") == ["default-src 'self'"]


@pytest.mark.parametrize(("path", "value"), [("/api/v1/items", "no-store"), ("/api/v1/large", "private")])
async def test_api_answer_is_not_stored_unless_its_route_says_so(path: str, value: str) -> None:
    assert (await get(small_app(), path)).headers["cache-control"] == value


@pytest.mark.parametrize(
    "host",
    ["evil.example", "api.example.evil.example", "", "api.example@evil.example", "[::1", "example.org"],
)
async def test_unknown_host_is_refused(host: str) -> None:
    app = small_app(small_settings(allowed_hosts=["api.example", "*.example.org"]))
    response = await get(app, "/api/v1/items", headers={"host": host})
    assert (response.status_code, problem(response)["code"]) == (400, "host_not_allowed")


@pytest.mark.parametrize("path", ["/health", "/health/ready", "/metrics"])
async def test_a_probe_may_call_a_process_by_its_address(path: str) -> None:
    app = small_app(small_settings(allowed_hosts=["api.example"]))
    response = await get(app, path, headers={"host": "10.1.2.3:8000"})
    assert "host_not_allowed" not in response.text


@pytest.mark.parametrize(
    "host", ["api.example", "API.Example:8000", "eu.example.org", "localhost:1", "127.0.0.1", "[::1]:8000"]
)
async def test_known_host_and_loopback_are_let_in(host: str) -> None:
    app = small_app(small_settings(allowed_hosts=["api.example", "*.example.org"]))
    assert (await get(app, "/api/v1/items", headers={"host": host})).status_code == 200


@pytest.mark.parametrize("allowed", [[], ["*"]])
async def test_any_host_goes_where_none_is_named(allowed: list[str]) -> None:
    app = small_app(small_settings(allowed_hosts=allowed))
    assert (await get(app, "/api/v1/items", headers={"host": "any.example"})).status_code == 200


@pytest.mark.parametrize(("method", "status"), [("GET", 307), ("HEAD", 307), ("POST", 308), ("DELETE", 308)])
async def test_production_leads_http_to_https_at_the_public_address(method: str, status: int) -> None:
    async with connect(small_app(small_settings(**PRODUCTION)), base_url="http://evil.example") as client:
        response = await client.request(method, "/api/v1/items?limit=1")
    assert response.status_code == status
    assert response.headers["location"] == f"{PUBLIC_URL}/api/v1/items?limit=1"
    assert response.headers["x-request-id"]


@pytest.mark.parametrize("path", ["/ping", "/health", "/health/ready", "/health/", "/metrics"])
async def test_probes_are_not_redirected(path: str) -> None:
    assert (await get(small_app(small_settings(**PRODUCTION)), path)).status_code == 404


async def test_https_is_not_redirected() -> None:
    async with connect(small_app(small_settings(**PRODUCTION)), base_url="https://precis.example") as client:
        assert (await client.get("/api/v1/items")).status_code == 200


async def test_redirect_without_query_has_none() -> None:
    response = await get(small_app(small_settings(**PRODUCTION)), "/api/v1/items")
    assert response.headers["location"] == f"{PUBLIC_URL}/api/v1/items"


async def test_trailing_slash_is_the_same_resource_without_redirect() -> None:
    app = small_app()
    assert (await post(app, "/api/v1/items/", json={"name": "a"})).status_code == 201
    assert (await get(app, "/api/v1/items/7/")).json() == {"id": "7"}


@pytest.mark.parametrize("path", ["/", "//", "/api/v1/items//"])
async def test_root_and_double_slashes_are_no_other_resource(path: str) -> None:
    assert (await get(small_app(), path)).status_code == 404


async def test_other_origins_are_refused_by_default() -> None:
    response = await get(small_app(), "/api/v1/items", headers={"origin": ORIGIN})
    assert "access-control-allow-origin" not in response.headers


async def test_unlisted_origin_is_refused() -> None:
    app = small_app(small_settings(cors_origins=[ORIGIN]))
    response = await get(app, "/api/v1/items", headers={"origin": "https://evil.example"})
    assert "access-control-allow-origin" not in response.headers


@pytest.mark.parametrize("path", ["/api/v1/items", "/nowhere"])
async def test_listed_origin_reads_answers_and_problems(path: str) -> None:
    app = small_app(small_settings(cors_origins=[ORIGIN]))
    response = await get(app, path, headers={"origin": ORIGIN})
    assert response.headers["access-control-allow-origin"] == ORIGIN
    assert response.headers["access-control-expose-headers"].split(", ") == list(EXPOSED_HEADERS)
    assert "access-control-allow-credentials" not in response.headers


async def test_preflight_is_answered_for_a_write_with_a_credential() -> None:
    asked = {
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "authorization,if-match",
    }
    async with connect(small_app(small_settings(cors_origins=[ORIGIN]))) as client:
        response = await client.options("/api/v1/items", headers={"Origin": ORIGIN, **asked})
    assert response.status_code == 200
    assert response.headers["access-control-allow-headers"] == "authorization,if-match"


async def test_large_answer_is_compressed_and_a_small_one_is_not() -> None:
    app, accept = small_app(), {"accept-encoding": "gzip"}
    large = await get(app, "/api/v1/large", headers=accept)
    assert large.headers["content-encoding"] == "gzip"
    assert len(large.content) == 5000
    assert len(gzip.compress(b"a" * 5000)) < 100
    assert "content-encoding" not in (await get(app, "/api/v1/items", headers=accept)).headers


async def test_event_stream_is_never_compressed() -> None:
    response = await get(small_app(), "/api/v1/events", headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in response.headers


class Stamp:
    """Stands for the rate limit's headers."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["state"]["stamped"] = scope["path"]
        await self.app(scope, receive, send)


class Broken(Stamp):
    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError("hunter2")


async def test_broken_middleware_is_a_problem_document_too() -> None:
    app = small_app(inner=(Middleware(Broken),))
    async with connect(app, raise_app_exceptions=False) as client:
        response = await client.get("/api/v1/items")
    assert (response.status_code, response.json()["code"]) == (500, "internal_error")
    assert "hunter2" not in response.text


async def test_inner_middleware_sees_the_request_id_and_the_one_form_of_the_path() -> None:
    app = small_app(inner=(Middleware(Stamp),))
    assert (await get(app, "/api/v1/items/")).status_code == 200
