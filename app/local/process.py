"""Child processes that never outlive us, not even when we are killed with SIGKILL."""

import ctypes
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from app.local.account import Account

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None, use_errno=True)
STOP_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Command:
    """`death_signal` is what the kernel sends when we die, `stop_signal` what we send ourselves."""

    arguments: Sequence[str | Path]
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGTERM
    account: Account | None = None
    environment: Mapping[str, str] | None = None
    directory: Path | None = None
    log: Path | None = field(default=None)


class Child:
    """Started from the main thread: the kernel's death signal follows the thread that started it."""

    def __init__(self, name: str, command: Command) -> None:
        self.name = name
        self._command = command
        self._process = _start(command)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        return self._process.poll()

    def stop(self) -> None:
        """Asks, waits, and kills only what does not answer."""
        if self._process.poll() is not None:
            return
        self._process.send_signal(self._command.stop_signal)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _start(command: Command) -> "subprocess.Popen[bytes]":
    parent = os.getpid()

    def die_with_parent() -> None:
        # After setuid, which would clear it. And the parent may have died in between.
        LIBC.prctl(PR_SET_PDEATHSIG, command.death_signal)
        if os.getppid() != parent:
            os._exit(1)

    account = command.account
    with _output(command.log) as output:
        return subprocess.Popen(  # noqa: S603  # our own commands
            [str(argument) for argument in command.arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=command.directory or "/",
            env=None if command.environment is None else dict(command.environment),
            preexec_fn=die_with_parent,  # noqa: PLW1509  # no thread of ours runs yet
            # Ctrl-C reaches us alone, so that we stop the others in order.
            start_new_session=True,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )


def _output(log: Path | None) -> IO[bytes]:
    """Not inherited: as another account a server could not open our terminal anyway."""
    return log.open("ab") if log else os.fdopen(os.dup(1), "wb")
