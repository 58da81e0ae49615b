"""How runs begin, end, and follow each other: nothing lost, nothing left behind."""

import json
import shutil
import signal
import socket
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from app.core.schema_version import ROOT
from app.local.account import server_account
from app.local.ports import LOOPBACK, free_port, is_free
from tests.e2e.running import Launch, Running, until

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("services")]

CHECKOUT = ("app", "alembic", "pyproject.toml", "gunicorn.conf.py")
ADA = {"username": "ada", "email": "ada@example.com", "password": "Engine-No-1-of-1837"}


@pytest.fixture
def place() -> Iterator[Path]:
    """Reachable for the servers' account, which pytest's own directory is not; with a space in its name."""
    with tempfile.TemporaryDirectory(prefix="precis e2e ") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def checkout(place: Path) -> Path:
    """A copy of what ./run needs."""
    for name in CHECKOUT:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
        copy(ROOT / name, place / name)
    return place


@pytest.fixture
def taken() -> Iterator[int]:
    with closing(socket.socket()) as listener:
        listener.bind((LOOPBACK, 0))
        listener.listen()
        yield listener.getsockname()[1]


def register(url: str) -> int:
    request = urllib.request.Request(  # noqa: S310  # our own
        f"{url}/api/v1/users/register", json.dumps(ADA).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310  # our own
            return int(answer.status)
    except urllib.error.HTTPError as refusal:
        refusal.close()
        return refusal.code


def refusal_of(launch: Launch) -> tuple[int, str]:
    with Running(launch) as running:
        code = running.ended()
        assert running.left() == {}
        return code, running.output[-1]


def test_explicit_port_that_is_taken_is_refused_in_one_line(place: Path, taken: int) -> None:
    with Running(Launch(["--port", str(taken)], {"PRECIS_DATA_DIR": str(place)})) as running:
        assert running.ended() == 1
    assert list(running.output) == [f"precis: port {taken} is taken; choose another one with --port\n"]


@pytest.mark.parametrize("port", ["0", "65536", "http"])
def test_port_that_cannot_be_is_refused_in_one_line(port: str) -> None:
    with Running(Launch(["--port", port])) as running:
        assert running.ended() == 2
    assert len(running.output) == 1


def test_unreachable_database_is_told_in_one_line(place: Path) -> None:
    dead = f"postgresql://app:secret@{LOOPBACK}:{free_port()}/precis"
    code, line = refusal_of(Launch([], {"PRECIS_DATA_DIR": str(place), "DATABASE_URL": dead}))
    assert code == 1
    assert line.startswith("precis: ")
    assert "secret" not in line
    assert "refused" in line.lower()


def test_weak_configuration_is_told_without_a_traceback(place: Path) -> None:
    environment = {"PRECIS_DATA_DIR": str(place), "TESTING": "maybe", "LOG_LEVEL": "LOUD"}
    with Running(Launch([], environment)) as running:
        assert running.ended() == 1
    assert "TESTING" in running.text
    assert "LOG_LEVEL" in running.text
    assert "Traceback" not in running.text


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_during_the_start_leaves_nothing(place: Path, number: signal.Signals) -> None:
    with Running(Launch(["--port", str(free_port())], {"PRECIS_DATA_DIR": str(place)})) as running:
        assert until(lambda: "starting the servers" in running.text)
        running.send(number)
        assert running.ended() == 0
        assert running.output[-1] == "stopped\n"
        assert until(lambda: running.left() == {}), running.left()


def test_data_survive_two_runs_from_a_checkout_whose_path_has_a_space(checkout: Path) -> None:
    statuses = []
    for number in (signal.SIGTERM, signal.SIGINT):
        with Running(Launch(["--port", str(free_port())], root=checkout)) as running:
            statuses.append(register(running.ready()))
            running.send(number)
            assert running.ended() == 0, running.text
            assert running.output[-1] == "stopped\n"
            assert running.left() == {}
    assert statuses == [201, 409]
    assert (checkout / ".precis" / "postgres" / "data").is_dir() or server_account()


def test_taken_default_port_gives_way_and_a_killed_run_leaves_no_process(place: Path) -> None:
    with default_port_taken(), Running(other_user(place)) as running:
        url = running.ready()
        assert "port 8000 is taken: using" in running.text
        assert not url.endswith(":8000")
        running.send(signal.SIGKILL)
        assert until(lambda: running.left() == {}, seconds=60), running.left()


@contextmanager
def default_port_taken() -> Iterator[None]:
    """By us, where nobody holds it already."""
    with closing(socket.socket()) as listener:
        if is_free(8000):
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((LOOPBACK, 8000))
            listener.listen()
        yield


def other_user(place: Path) -> Launch:
    """As root: as the servers' account, without a home, and with an interpreter that it may run."""
    account = server_account()
    data = place / "data"
    data.mkdir()
    environment = {"PRECIS_DATA_DIR": str(data)}
    if account is None:
        return Launch([], environment)
    shutil.chown(data, account.uid, account.gid)
    python = place / "python"
    copy_interpreter(python)
    environment["LD_LIBRARY_PATH"] = str(python / "lib")
    return Launch([], environment, interpreter=python / "bin" / "python", account=account)


def copy_interpreter(target: Path) -> None:
    """Ours may lie in a private directory. With what is compiled: nobody may write that there later."""
    base, version = Path(sys.base_prefix), f"python{sys.version_info.major}.{sys.version_info.minor}"
    ignored = shutil.ignore_patterns("site-packages", "dist-packages", "test", "config-*", "*.opt-?.pyc")
    shutil.copytree(base / "lib" / version, target / "lib" / version, ignore=ignored)
    for library in (base / "lib").glob("libpython3*.so*"):
        shutil.copy2(library, target / "lib")
    (target / "bin").mkdir()
    shutil.copy2(Path(sys.executable).resolve(), target / "bin" / "python")
