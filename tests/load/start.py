"""How soon it serves and what it weighs: `python -m tests.load.start [--rounds 3]`.

An API of one worker from its start to its first answer, by the clock and by the processor; its resident
memory then and after requests; and `./run` with its data already there, until it is ready.
"""

import argparse
import http.client
import os
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from app.core.schema_version import ROOT
from app.local.account import server_account
from app.local.data_directory import throw_away_directory
from app.local.ports import LOOPBACK, free_port, url_of
from app.local.process import Child, Command
from app.local.stack import Stack, base_environment, precis
from app.settings import load_settings
from tests.load.workshop import family_seconds, kept_environment

REQUESTS = 500
READY_SECONDS = 120.0
MEGABYTE = 1e6
LIVE, READY, ASKED = "/health", "/health/ready", "/api/v1/summaries"


@dataclass(frozen=True, slots=True)
class Begun:
    """Of the API's one worker: seconds until its first answer, and of processor; resident bytes."""

    seconds: float
    processor: float
    resident: int
    after_requests: int


@contextmanager
def servers() -> Iterator[Stack]:
    with throw_away_directory(server_account()) as folder, kept_environment():
        environment = base_environment(os.environ, folder, host=LOOPBACK)
        wanted = {"LOG_LEVEL": "INFO", "RATE_LIMIT_SCALE": "1000000", "WEB_CONCURRENCY": "1"}
        stack = Stack(folder, server_account(), {**environment, **wanted})
        try:
            stack.start_servers(load_settings())
            stack.run_once("migrate")
            yield stack
        finally:
            stack.stop()


def begin(stack: Stack) -> Begun:
    url = url_of(LOOPBACK, port := free_port())
    stack.environment["PORT"] = str(port)
    began = time.monotonic()
    log = stack.folder / "api.log"
    api = Child("serve", Command(precis("serve"), environment=stack.environment, directory=ROOT, log=log))
    try:
        _until(url, LIVE)
        seconds, processor = time.monotonic() - began, family_seconds(api.pid)
        (worker,) = Path(f"/proc/{api.pid}/task/{api.pid}/children").read_text().split()
        resident = _resident(int(worker))
        for _ in range(REQUESTS):
            _status(url, ASKED)
        return Begun(seconds, processor, resident, _resident(int(worker)))
    finally:
        api.stop()


def run(folder: Path) -> float:
    """Seconds until `./run` is ready, with this data directory."""
    port = free_port()
    environment = {**os.environ, "PRECIS_DATA_DIR": str(folder)}
    command = [sys.executable, "-m", "app.local.supervisor", "--port", str(port)]
    log = folder.with_name(f"{folder.name}.log")
    began = time.monotonic()
    child = Child("run", Command(command, environment=environment, directory=ROOT, log=log))
    try:
        _until(url_of(LOOPBACK, port), READY)
        return time.monotonic() - began
    finally:
        child.stop()


def _until(url: str, path: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while _status(url, path) != http.HTTPStatus.OK:
        if time.monotonic() > deadline:
            raise TimeoutError(url)
        time.sleep(0.02)


def _status(url: str, path: str) -> int:
    """0 where nobody answers."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def _resident(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def report(begun: Sequence[Begun], runs: Sequence[float]) -> Iterator[str]:
    seconds, processor, resident, after = (
        statistics.median(getattr(one, name) for one in begun)
        for name in ("seconds", "processor", "resident", "after_requests")
    )
    yield f"start to first answer {seconds:.2f} s (goal 2), {processor:.2f} s of processor"
    weights = f"{resident / MEGABYTE:.1f}, after {REQUESTS} requests {after / MEGABYTE:.1f}"
    yield f"resident MB: {weights} (goal 130)"
    yield f"./run: first {runs[0]:.1f} s, warm {statistics.median(runs[1:]):.1f} s (goal 5)"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    with servers() as stack:
        begun = [begin(stack) for _ in range(rounds)]
    with throw_away_directory(server_account()) as folder:
        runs = [run(folder / "data") for _ in range(rounds + 1)]
    sys.stdout.write("\n".join(report(begun, runs)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
