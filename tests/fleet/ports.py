"""Who of the fleet listens where."""

import random
from dataclasses import dataclass, fields
from itertools import islice
from typing import Self

from app.local.ports import is_free

# Below those that Linux gives to outgoing connections: one of these could take the port of a process that is
# just being restarted.
RANGE = range(20_000, 32_000)


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
        candidates = (port for port in random.sample(RANGE, len(RANGE)) if is_free(port))
        return cls(*islice(candidates, len(fields(cls))))
