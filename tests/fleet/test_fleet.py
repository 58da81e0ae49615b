"""The whole service behind nginx, as a client and as an operator see it."""

import asyncio
import itertools
import json
import re
import ssl
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx2
import pytest
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from tests.e2e.running import descendants, until
from tests.fleet.fleet import WORKERS, Fleet
from tests.fleet.http2 import speaks_http2
from tests.fleet.parts import APIS
from tests.fleet.traffic import TEXT
from tests.fleet.wire import told, wire

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("services")]

PASSWORD = "Engine-No-1-of-1837"
NUMBERS = itertools.count()
API = "/api/v1"


def register(client: httpx2.Client, name: str, headers: dict[str, str] | None = None) -> str:
    """Their access token."""
    person = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
    client.post(f"{API}/users/register", json=person, headers=headers).raise_for_status()
    login = {"username": name, "password": PASSWORD}
    answer = client.post(f"{API}/auth/token", data=login, headers=headers).raise_for_status()
    return str(answer.json()["access_token"])


def submit(fleet: Fleet, headers: dict[str, str], *, wait: int = 0) -> httpx2.Response:
    body = {"text": TEXT.format(number=f"{next(NUMBERS)} of the fleet"), "length": "short"}
    preference = {"Prefer": f"wait={wait}"} if wait else {}
    with fleet.client() as client:
        return client.post(f"{API}/summaries", json=body, headers=headers | preference)


def own_lines(fleet: Fleet, path: str) -> list[dict[str, str]]:
    lines = [json.loads(line) for line in fleet.access_log.read_text("utf-8").splitlines()]
    return [line for line in lines if line["path"] == path]


def prometheus(fleet: Fleet, path: str) -> httpx2.Response:
    return httpx2.get(f"http://127.0.0.1:{fleet.ports.prometheus}{path}", trust_env=False)


def test_stranger_without_our_authority_is_refused_by_tls(fleet: Fleet) -> None:
    with httpx2.Client(trust_env=False) as client, pytest.raises(httpx2.ConnectError, match="CERTIFICATE"):
        client.get(fleet.url)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_is_spoken_from_1_2_on(fleet: Fleet, version: ssl.TLSVersion) -> None:
    tls = fleet.tls
    tls.minimum_version = tls.maximum_version = version
    with httpx2.Client(verify=tls, trust_env=False) as client:
        assert client.get(f"{fleet.url}/health").status_code == 200


@pytest.mark.parametrize("path", ["/metrics", "/health/ready", "/%6detrics"])
def test_what_is_for_the_inside_is_closed(fleet: Fleet, path: str) -> None:
    with fleet.client() as client:
        answer = client.get(client.base_url.copy_with(raw_path=path.encode()))
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert answer.headers["x-request-id"] == answer.json()["request_id"]


def test_body_that_is_too_large_is_a_problem(fleet: Fleet) -> None:
    with fleet.client() as client:
        answer = client.post(f"{API}/users/register", content=b"x" * 2_200_000)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert answer.headers["content-type"] == "application/problem+json"


def test_plain_http_is_sent_to_https(fleet: Fleet) -> None:
    answer = httpx2.get(f"http://127.0.0.1:{fleet.ports.http}/docs", trust_env=False)
    assert (answer.status_code, answer.headers["location"]) == (308, "https://127.0.0.1/docs")


def test_http2_is_spoken(fleet: Fleet) -> None:
    assert speaks_http2(fleet.ports.https, fleet.tls, "/ping?over=http2")
    assert until(lambda: any(line["protocol"] == "HTTP/2.0" for line in own_lines(fleet, "/ping")))


def test_answers_are_compressed(fleet: Fleet) -> None:
    with fleet.client() as client:
        answer = client.get("/openapi.json")
    assert answer.headers["content-encoding"] == "gzip"


def test_assets_are_kept_by_nginx(fleet: Fleet) -> None:
    with fleet.client() as client:
        path = re.findall(r'(?:src|href)="(/docs/assets/[^"]+)"', client.get("/docs").text)[0]
        first, second = client.get(path), client.get(path)
    assert first.content == second.content
    assert [line["upstream"] != "" for line in own_lines(fleet, urlsplit(path).path)] == [True, False]


def test_client_is_known_by_its_own_address_whatever_it_claims(fleet: Fleet) -> None:
    forged = {"X-Forwarded-For": "203.0.113.9", "X-Real-IP": "203.0.113.9", "Forwarded": "for=203.0.113.9"}
    with fleet.client("127.3.0.77") as client:
        token = register(client, "grace", forged)
        sessions = client.get(f"{API}/auth/sessions", headers={"Authorization": f"Bearer {token}"}).json()
    assert [session["address"] for session in sessions["items"]] == ["127.3.0.0/24"]


def test_person_registers_logs_in_and_has_a_summary(fleet: Fleet) -> None:
    url = f"http://127.0.0.1:{fleet.members['samples'].port}/lighthouse.html"
    with fleet.client() as client:
        headers = {"Authorization": f"Bearer {register(client, 'ada')}", "Prefer": "wait=15"}
        answer = client.post(f"{API}/summaries", json={"url": url}, headers=headers)
    assert (answer.status_code, answer.json()["status"]) == (201, "ready"), answer.text


def test_progress_arrives_as_it_happens(fleet: Fleet, headers: dict[str, str], paused_workers: None) -> None:
    """Its first event comes while nothing else will: nothing on the way holds it back."""
    del paused_workers
    summary_id = submit(fleet, headers).json()["id"]

    async def first() -> str:
        path = f"{API}/summaries/{summary_id}/events"
        async with wire(fleet.ports.https, fleet.tls) as one, asyncio.timeout(10):
            async for event in told(one, path, headers=headers):
                return event.name
        return ""

    assert asyncio.run(first()) == "queued"


def test_websocket_is_opened_by_a_ticket(fleet: Fleet, headers: dict[str, str]) -> None:
    """By asyncio's client: the threaded one reads and writes a TLS socket at once, and one in 1,500 hangs."""
    with fleet.client() as client:
        ticket = client.post(f"{API}/summaries/ws-ticket", headers=headers).json()["ticket"]
    address = f"wss://localhost:{fleet.ports.https}/ws/summaries"
    offered = [Subprotocol("precis.v1"), Subprotocol(f"ticket.{ticket}")]

    async def watch() -> None:
        async with (
            asyncio.timeout(40),
            connect(address, ssl=fleet.tls, subprotocols=offered, proxy=None) as socket,
        ):
            assert json.loads(await socket.recv())["type"] == "watching"
            answer = await asyncio.to_thread(submit, fleet, headers)
            summary_id = answer.json()["id"]
            status = ""
            while status != "ready":
                news = json.loads(await socket.recv())
                if news["summary_id"] == summary_id:
                    status = news["status"]

    asyncio.run(watch())


def test_export_is_streamed(fleet: Fleet, headers: dict[str, str]) -> None:
    assert submit(fleet, headers, wait=15).status_code == 201
    query = {"format": "ndjson"}
    with (
        fleet.client() as client,
        client.stream("GET", f"{API}/summaries/export", params=query, headers=headers) as answer,
    ):
        rows = [json.loads(line) for line in answer.iter_lines() if line]
    assert answer.headers["transfer-encoding"] == "chunked"
    assert any(row.get("status") == "ready" for row in rows)


def test_apis_reach_the_database_through_pgbouncer_alone(fleet: Fleet) -> None:
    assert f":{fleet.ports.pgbouncer}/" in fleet.environment["DATABASE_URL"]
    assert "login attempt: db=precis user=app_rw" in fleet.members["pgbouncer"].log
    fleet.stop("pgbouncer")
    ready = [httpx2.get(f"{fleet.api_url(name)}/health/ready", trust_env=False).status_code for name in APIS]
    fleet.start("pgbouncer")
    assert ready == [503, 503]
    for name in APIS:
        fleet.members[name].wait_until_ready()


def test_every_api_runs_two_processes(fleet: Fleet) -> None:
    assert [len(descendants(fleet.members[name].pid)) for name in APIS] == [2, 2]
    assert all(fleet.members[name].is_running for name in WORKERS)


def test_prometheus_reaches_all_targets_and_reads_the_rules(fleet: Fleet) -> None:
    def health() -> set[tuple[str, str]]:
        targets = prometheus(fleet, "/api/v1/targets").json()["data"]["activeTargets"]
        return {(target["labels"]["job"], target["health"]) for target in targets}

    wanted = {(job, "up") for job in ("precis-api", "precis-worker", "prometheus")}
    assert until(lambda: health() == wanted, seconds=60), health()
    groups = prometheus(fleet, "/api/v1/rules").json()["data"]["groups"]
    assert {rule["health"] for group in groups for rule in group["rules"]} <= {"ok", "unknown"}


@dataclass(frozen=True, slots=True)
class Outage:
    """What a reader was answered while one API was killed, and what when the other was killed too."""

    half: list[int]
    whole: httpx2.Response


@pytest.fixture(scope="module")
def outage(fleet: Fleet, headers: dict[str, str]) -> Outage:
    statuses, path = [], f"{API}/summaries?limit=1"
    with fleet.client() as client:
        for number in range(60):
            if number == 10:
                fleet.kill("api-1")
            statuses.append(client.get(path, headers=headers).status_code)
        fleet.kill("api-2")
        nobody = client.get(path, headers=headers)
    fleet.start(*APIS)
    for name in APIS:
        fleet.wait_until_used(name)
    return Outage(statuses, nobody)


def test_no_read_fails_while_one_api_is_killed(outage: Outage) -> None:
    assert set(outage.half) == {200}


def test_nobody_serving_is_told_as_a_problem_with_an_id(outage: Outage) -> None:
    problem, headers = outage.whole.json(), outage.whole.headers
    assert (outage.whole.status_code, problem["status"], problem["code"]) == (503, 503, "unavailable")
    assert (headers["retry-after"], headers["x-request-id"]) == ("2", problem["request_id"])


def test_no_log_holds_a_credential_or_a_secret_address(fleet: Fleet, headers: dict[str, str]) -> None:
    with fleet.client() as client:
        client.get(f"/s/hidden-{time.monotonic_ns()}", headers=headers)
        client.get(f"/feeds/hidden-{time.monotonic_ns()}/atom.xml?token=hidden-query")
    logs = "".join(path.read_text("utf-8") for path in (fleet.folder / "logs").glob("*.log"))
    logs += fleet.access_log.read_text("utf-8")
    for secret in ("hidden-", headers["X-API-Key"], PASSWORD, fleet.passwords.rw, fleet.metrics_token):
        assert secret not in logs
