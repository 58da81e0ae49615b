"""An embedded Valkey on the loopback."""

import json
import time
from dataclasses import dataclass
from pathlib import Path

from app.local.account import Account, LocalServerError, own_directory, private_file
from app.local.binaries import Binaries
from app.local.data_directory import kept_secret
from app.local.ports import LOOPBACK, accepts, free_port
from app.local.process import Child, Command

START_SECONDS = 10.0
START_TRIES = 3


@dataclass(frozen=True, slots=True)
class ValkeyServer:
    child: Child
    port: int
    password: str

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@{LOOPBACK}:{self.port}/0"

    def stop(self) -> None:
        self.child.stop()


def start_valkey(
    binaries: Binaries, folder: Path, account: Account | None, *, tries: int = START_TRIES
) -> ValkeyServer:
    """Nothing is kept on disk: it holds caches and counters, whose truth is PostgreSQL's."""
    own_directory(folder, account)
    password, port = kept_secret(folder.with_suffix(".password")), free_port()
    # A file, since everybody may read a command line.
    text = _configuration(folder, port=port, password=password)
    configuration = private_file(folder.with_suffix(".conf"), text, account)
    log = folder.with_suffix(".log")
    child = Child(
        "valkey", Command([binaries.valkey, configuration], account=account, environment={}, log=log)
    )
    if _became_ready(child, port):
        return ValkeyServer(child, port, password)
    child.stop()
    if tries > 1:
        return start_valkey(binaries, folder, account, tries=tries - 1)
    raise LocalServerError(f"Valkey did not start; {log} says why")


def _configuration(folder: Path, *, port: int, password: str) -> str:
    options = {
        "port": port,
        "bind": LOOPBACK,
        "dir": json.dumps(str(folder), ensure_ascii=False),
        "save": '""',
        "appendonly": "no",
        "maxmemory": "128mb",
        "maxmemory-policy": "allkeys-lru",
        "requirepass": password,
    }
    return "".join(f"{name} {value}\n" for name, value in options.items())


def _became_ready(child: Child, port: int) -> bool:
    deadline = time.monotonic() + START_SECONDS
    while child.exit_code is None and time.monotonic() < deadline:
        if accepts(port):
            return True
        time.sleep(0.01)
    return False
