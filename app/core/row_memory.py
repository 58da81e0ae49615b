"""Rows as they were rendered, remembered under the state that they were in.

PostgreSQL writes each change of a row as another version of it, under its transaction's number (`xmin`). So
what is remembered under a row's id and that number is never old, and nobody has to make it be forgotten.
Which rows there are, and who may read them, the database is asked each time.
"""

import time
from collections.abc import Callable, Sequence

from sqlalchemy import Label, Text, literal_column

# Of each of two generations.
MAX_BYTES = 4 * 1024 * 1024
SECONDS = 60
# What an entry takes beside its body, about.
ENTRY_BYTES = 250


def state_of_row(table: str) -> Label[str]:
    """The column, called `state`, that tells each version of each of the table's rows from all others."""
    return literal_column(f"({table}.id::text || ' ' || {table}.xmin::text)", Text()).label("state")


class RowMemory:
    """What nobody asks for during a whole generation is forgotten with it: no row is outlived for long."""

    def __init__(self, *, max_bytes: int = MAX_BYTES, clock: Callable[[], float] = time.monotonic) -> None:
        self._max_bytes = max_bytes
        self._clock = clock
        self._young: dict[str, bytes] = {}
        self._old: dict[str, bytes] = {}
        self._bytes = 0
        self._began = clock()

    def recall(self, states: Sequence[str]) -> list[bytes] | None:
        """None where one of them is not known."""
        if self._clock() - self._began > SECONDS:
            self._turn()
        bodies: list[bytes] = []
        for state in states:
            body = self._young.get(state) or self._aged(state)
            if body is None:
                return None
            bodies.append(body)
        return bodies

    def keep(self, state: str, body: bytes) -> None:
        size = len(body) + ENTRY_BYTES
        if self._bytes + size > self._max_bytes:
            self._turn()
        self._young[state] = body
        self._bytes += size

    def _aged(self, state: str) -> bytes | None:
        body = self._old.get(state)
        if body is not None:
            self.keep(state, body)
        return body

    def _turn(self) -> None:
        self._old, self._young = self._young, {}
        self._bytes, self._began = 0, self._clock()
