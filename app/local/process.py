"""Child processes that never outlive us, not even when we are killed with SIGKILL."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from app.local.account import Account

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)
STOP_SECONDS = 30.0
MAX_LOG_BYTES = 10_000_000


@dataclass(frozen=True, slots=True)
class Command:
    """`death_signal` is what the kernel sends when we die, `stop_signal` what we send ourselves."""

    arguments: Sequence[str | Path]
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGTERM
    account: Account | None = None
    environment: Mapping[str, str] | None = None
    directory: Path | None = None
    log: Path | None = None
    pass_fds: Sequence[int] = ()


class Child:
    """Started from the main thread: the kernel's death signal follows the thread that started it."""

    def __init__(self, name: str, command: Command) -> None:
        self.name = name
        self.command = command
        self.start()

    def start(self) -> None:
        """Also again, once it has stopped."""
        with _output(self.command.log) as output:
            self._process = _start(self.command, stdout=output, stderr=output)
        self.started_at = time.monotonic()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """Whatever a dead child left in its process group goes with it: it would hold ports and files."""
        code = self._process.poll()
        if code is not None:
            self._sweep()
        return code

    def stop(self, *, patience_seconds: float = STOP_SECONDS) -> None:
        """Asks, waits, and kills only what does not answer."""
        if self._process.poll() is None:
            self._process.send_signal(self.command.stop_signal)
            try:
                self._process.wait(patience_seconds)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._sweep()

    def _sweep(self) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)


def run_to_end(command: Command) -> "subprocess.CompletedProcess[str]":
    """What it printed and how it ended; it ends with us too."""
    process = _start(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        output, errors = process.communicate()
    except BaseException:
        process.kill()
        process.wait()
        raise
    decoded = (text.decode(errors="replace").strip() for text in (output, errors))
    return subprocess.CompletedProcess(process.args, process.returncode, *decoded)


def _start(
    command: Command, *, stdout: IO[bytes] | int, stderr: IO[bytes] | int
) -> "subprocess.Popen[bytes]":
    parent = os.getpid()
    account = command.account

    def die_with_parent() -> None:
        set_death_signal(command.death_signal, parent)

    return subprocess.Popen(  # noqa: S603  # our own commands
        [str(argument) for argument in command.arguments],
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        cwd=command.directory or "/",
        pass_fds=command.pass_fds,
        env=None if command.environment is None else dict(command.environment),
        preexec_fn=die_with_parent,  # noqa: PLW1509  # no thread of ours runs yet
        # Ctrl-C reaches us alone, so that we stop the others in order.
        start_new_session=True,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )


def set_death_signal(number: int, parent: int) -> None:
    """Between fork and exec, after setuid, which would clear it. The parent may have died before this."""
    if sys.platform == "linux":
        LIBC.prctl(PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:
        os._exit(1)


def _output(log: Path | None) -> IO[bytes]:
    """Opened by us: as another account a server could open neither our terminal nor our directory."""
    if log is None:
        return os.fdopen(os.dup(1), "wb")
    if log.exists() and log.stat().st_size > MAX_LOG_BYTES:
        log.unlink()
    return log.open("ab")
