"""One process of the fleet: started, stopped, killed and started again by its name."""

import http.client
import os
import signal
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from app.local.ports import LOOPBACK, accepts
from app.local.process import Child, Command

READY_SECONDS = 120.0


class NotReadyError(Exception):
    """The message ends with what the process said last."""


@dataclass(slots=True)
class Member:
    """`command` is made anew at each start, so that a change of the fleet's environment reaches it."""

    name: str
    port: int
    command: Callable[[], Command]
    is_ready: Callable[[], bool]
    child: Child | None = None

    @property
    def pid(self) -> int:
        assert self.child is not None, f"{self.name} was never started"
        return self.child.pid

    @property
    def is_running(self) -> bool:
        return self.child is not None and self.child.exit_code is None

    @property
    def log(self) -> str:
        path = self.command().log
        return path.read_text("utf-8", "replace") if path and path.exists() else ""

    def start(self) -> None:
        """Does not wait."""
        self.child = Child(self.name, self.command())

    def stop(self, *, patience_seconds: float = 40.0) -> None:
        if self.child is not None:
            self.child.stop(patience_seconds=patience_seconds)

    def send(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        """As by the kernel for want of memory; the whole process group, as its children die with it."""
        assert self.child is not None, f"{self.name} was never started"
        if self.is_running:
            os.killpg(self.pid, signal.SIGKILL)
        self.child.stop(patience_seconds=5)

    def wait_until_ready(self, *, seconds: float = READY_SECONDS) -> float:
        """How long that took, in seconds. Raises NotReadyError."""
        began = time.monotonic()
        while not self.is_ready():
            if not self.is_running:
                raise NotReadyError(f"{self.name} stopped: {self.log[-2000:]}")
            if time.monotonic() - began > seconds:
                raise NotReadyError(f"{self.name} is not ready after {seconds:.0f} s: {self.log[-2000:]}")
            time.sleep(0.05)
        return time.monotonic() - began


def answers(
    port: int, path: str, *, tls: ssl.SSLContext | None = None, headers: Mapping[str, str] | None = None
) -> bool:
    """With 200. Not through urllib: a proxy from the environment would be asked for our own loopback."""
    if tls is None:
        connection = http.client.HTTPConnection(LOOPBACK, port, timeout=2)
    else:
        connection = http.client.HTTPSConnection(LOOPBACK, port, timeout=2, context=tls)
    try:
        connection.request("GET", path, headers=dict(headers or {}))
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def postgres_is_ready(pid_file: Path) -> bool:
    """It accepts connections before it has recovered, and refuses them then; the file's last line knows."""
    try:
        return pid_file.read_text("ascii").splitlines()[7].strip() == "ready"
    except (FileNotFoundError, IndexError):
        return False


def listens(port: int) -> Callable[[], bool]:
    return lambda: accepts(port)
