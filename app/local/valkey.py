"""An embedded Valkey on the loopback."""

import time
from dataclasses import dataclass
from pathlib import Path

from app.local.account import Account, LocalServerError, own_directory
from app.local.binaries import Binaries
from app.local.ports import LOOPBACK, accepts, free_port
from app.local.process import Child, Command

START_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class ValkeyServer:
    child: Child
    port: int

    @property
    def url(self) -> str:
        return f"redis://{LOOPBACK}:{self.port}/0"

    def stop(self) -> None:
        self.child.stop()


def start_valkey(binaries: Binaries, folder: Path, account: Account | None) -> ValkeyServer:
    """Nothing is kept on disk: it holds caches and counters, whose truth is PostgreSQL's."""
    own_directory(folder, account)
    log, port = folder / "valkey.log", free_port()
    options = {
        "port": port,
        "bind": LOOPBACK,
        "dir": folder,
        "save": "",
        "appendonly": "no",
        "maxmemory": "128mb",
        "maxmemory-policy": "allkeys-lru",
    }
    arguments = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    child = Child("valkey", Command([binaries.valkey, *arguments], account=account, environment={}, log=log))
    _wait_until_ready(child, port, log)
    return ValkeyServer(child, port)


def _wait_until_ready(child: Child, port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not accepts(port):
        if child.exit_code is not None or time.monotonic() > deadline:
            child.stop()
            raise LocalServerError(f"Valkey did not start; {log} says why")
        time.sleep(0.01)
