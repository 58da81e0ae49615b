"""Who of the fleet listens where."""

import socket
from contextlib import ExitStack
from dataclasses import dataclass, fields
from typing import Self

from app.local.ports import LOOPBACK


@dataclass(frozen=True, slots=True)
class Ports:
    """Each of its own; PostgreSQL and Valkey choose theirs themselves."""

    api_1: int
    api_2: int
    worker_1: int
    worker_2: int
    http: int
    https: int
    pgbouncer: int
    prometheus: int
    alertmanager: int

    @classmethod
    def free(cls) -> Self:
        """All held until the last is known: none is given twice."""
        with ExitStack() as stack:
            sockets = [stack.enter_context(socket.socket()) for _ in fields(cls)]
            for probe in sockets:
                probe.bind((LOOPBACK, 0))
            return cls(*(probe.getsockname()[1] for probe in sockets))
