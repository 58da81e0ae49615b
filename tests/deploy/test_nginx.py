"""nginx/nginx.conf under a real nginx, in front of a real gunicorn."""

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from tests.deploy.edge import write_certificate, write_conf
from tests.deploy.test_gunicorn import start_gunicorn, wait_until_up

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(NGINX is None, reason="nginx is not installed here: its configuration was not run"),
]


@dataclass(frozen=True, slots=True)
class Edge:
    plain: httpx2.Client
    secure: httpx2.Client
    log: Path


def free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in sockets:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in sockets]


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    folder = tmp_path_factory.mktemp("edge")
    folder.chmod(0o755)
    api, http, https = free_ports(3)
    write_certificate(folder)
    conf = write_conf(folder, apis=[api], http=http, https=https)
    with (
        start_gunicorn(api, folder / "metrics") as gunicorn,
        subprocess.Popen([str(NGINX), "-c", str(conf)]) as nginx,  # noqa: S603  # our own arguments
        httpx2.Client(base_url=f"http://127.0.0.1:{http}") as plain,
        httpx2.Client(base_url=f"https://127.0.0.1:{https}", verify=False) as secure,  # self-signed
    ):
        try:
            wait_until_up(plain)
            wait_until_served(secure)
            yield Edge(plain, secure, folder / "access.log")
        finally:
            nginx.terminate()
            gunicorn.terminate()


def wait_until_served(client: httpx2.Client) -> None:
    deadline = time.monotonic() + 15
    while client.get("/").status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.2)


@pytest.mark.parametrize(
    "path", ["/metrics", "/metrics/", "//metrics", "/%6detrics", "/x/../metrics", "/health/ready"]
)
def test_inner_pages_are_closed_to_the_outside(edge: Edge, path: str) -> None:
    # As raw bytes: the client would tidy the path up before sending it.
    answer = edge.secure.get(edge.secure.base_url.copy_with(raw_path=path.encode()))
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "not_found"


def test_client_cannot_choose_its_address(edge: Edge) -> None:
    forged = {"X-Forwarded-For": "203.0.113.9", "X-Real-IP": "203.0.113.9", "Forwarded": "for=203.0.113.9"}
    assert edge.secure.get("/", headers=forged).text == "127.0.0.1 https"


def test_body_over_the_limit_is_a_problem_document(edge: Edge) -> None:
    answer = edge.secure.post("/api/v1/users/register", content=b"x" * 2_200_000)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


def test_address_that_is_too_long_is_a_problem_document(edge: Edge) -> None:
    answer = edge.secure.get("/" + "x" * 20_000)
    assert (answer.status_code, answer.json()["status"]) == (400, 400)
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_request_that_cannot_be_read_is_a_problem_document(edge: Edge) -> None:
    answer = edge.secure.get("/", headers={"Host": "no/name"})
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_request")
    assert edge.secure.get("/.problem/malformed_request").status_code == 404


def test_plain_http_is_sent_to_https_except_for_health(edge: Edge) -> None:
    answer = edge.plain.get("/docs?a=1")
    assert answer.status_code == 308
    assert answer.headers["location"] == "https://127.0.0.1/docs?a=1"
    assert edge.plain.get("/health").status_code == 200


def logged(edge: Edge, part: str) -> str:
    """The log, once it has that: nginx writes a line after the answer has left."""
    deadline = time.monotonic() + 5
    while part not in (text := edge.log.read_text("utf-8")) and time.monotonic() < deadline:
        time.sleep(0.02)
    return text


def test_log_lines_are_json_without_query_strings(edge: Edge) -> None:
    edge.secure.get("/share?token=hidden")
    lines = [json.loads(line) for line in logged(edge, '"/share"').splitlines()]
    assert any(line["path"] == "/share" for line in lines)
    assert "hidden" not in json.dumps(lines)


def test_the_log_holds_no_address_that_is_a_secret(edge: Edge) -> None:
    for path in ("/s/hidden-link", "/feeds/hidden-feed/atom.xml"):
        assert edge.secure.get(path).status_code == 200
    text = logged(edge, '"/feeds/-"')
    assert '"path":"/s/-"' in text
    assert '"path":"/feeds/-"' in text
    assert "hidden-" not in text


def test_flood_of_logins_is_refused_as_a_problem(edge: Edge) -> None:
    answers = [edge.secure.post("/api/v1/auth/token") for _ in range(40)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert refused[0].json()["code"] == "rate_limited"
    assert refused[0].headers["retry-after"] == "1"
