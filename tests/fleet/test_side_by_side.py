"""The former release and this one on the schema of this one, as during every rolling deployment."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from app.core.schema_version import ROOT
from app.local.ports import LOOPBACK
from app.local.process import Child, Command
from app.local.stack import precis
from tests.e2e.running import until
from tests.fleet.fleet import INHERITED
from tests.fleet.former import NoHistoryError, former_release
from tests.fleet.member import answers
from tests.fleet.ports import Ports
from tests.fleet.traffic import TEXT
from tests.servers import DatabaseUrls

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("services")]

EVE = {"username": "eve", "email": "eve@example.com", "password": "Engine-No-1-of-1837"}
API = "/api/v1"


@pytest.fixture(scope="module")
def former(tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        return former_release(tmp_path_factory.mktemp("former"))
    except NoHistoryError as error:
        pytest.skip(f"the former release was not run: {error}")


@dataclass(frozen=True, slots=True)
class Pair:
    """One API and one worker, each of its own checkout, on one database."""

    environment: dict[str, str]
    log: Path

    @contextmanager
    def running(self, *, api: Path, worker: Path) -> Iterator[httpx2.Client]:
        port = Ports.free().api_1
        environment = self.environment | {"PORT": str(port)}
        children = [
            Child(name, Command(precis(name), environment=environment, directory=root, log=self.log))
            for name, root in (("serve", api), ("worker", worker))
        ]
        try:
            assert until(lambda: answers(port, "/health/ready"), seconds=180), self.log.read_text("utf-8")
            with httpx2.Client(base_url=f"http://{LOOPBACK}:{port}{API}", trust_env=False, timeout=30) as one:
                yield one
        finally:
            for child in children:
                child.stop()


@pytest.fixture
def pair(database_urls: DatabaseUrls, redis_url: str, keys_dir: Path, tmp_path: Path) -> Pair:
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    environment = {
        **inherited,
        "DATABASE_URL": database_urls.rw,
        "REDIS_URL": redis_url,
        "SECRET_KEY": secrets.token_urlsafe(48),
        "JWT_KEYS_DIR": str(keys_dir),
        "PRECIS_DATA_DIR": str(tmp_path / "data"),
        "READING_PROCESSES": "1",
    }
    return Pair(environment, tmp_path / "log")


@pytest.mark.parametrize("former_part", ["api", "worker"])
def test_former_release_serves_beside_this_one_on_its_schema(
    former: Path, pair: Pair, former_part: str
) -> None:
    parts = {"api": ROOT, "worker": ROOT, former_part: former}
    with pair.running(**parts) as client:
        assert client.post("/users/register", json=EVE).status_code == 201
        headers = login(client)
        made = client.post("/summaries", json={"text": TEXT.format(number=1)}, headers=headers).json()
        path = f"/summaries/{made['id']}"
        # Not so often that a slow worker makes its limit refuse what is tried next.
        assert until(lambda: is_ready(client, path, headers), seconds=180, pause=0.5)
        walk_through(client, path, headers)


def is_ready(client: httpx2.Client, path: str, headers: dict[str, str]) -> bool:
    status: str = client.get(path, headers=headers).json()["status"]
    return status == "ready"


def login(client: httpx2.Client) -> dict[str, str]:
    form = {"username": EVE["username"], "password": EVE["password"]}
    answer = client.post("/auth/token", data=form).raise_for_status()
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def walk_through(client: httpx2.Client, path: str, headers: dict[str, str]) -> None:
    """What people do most, each answered as it should be."""
    asked = {
        "a change": client.patch(path, json={"notes": "mine"}, headers=headers),
        "the list": client.get("/summaries", headers=headers),
        "a search": client.get("/summaries", params={"q": "lighthouse"}, headers=headers),
        "the usage": client.get("/users/me", headers=headers),
        "a key": client.post("/api-keys", json={"name": "eve's"}, headers=headers),
        "the trash": client.delete(path, headers=headers),
    }
    answered = {what: answer.status_code for what, answer in asked.items()}
    assert answered == dict(zip(asked, (200, 200, 200, 200, 201, 204), strict=True))
