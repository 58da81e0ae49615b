"""Every fault by its name: how it is brought about, for how long, and what must not come of it."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from tests.drills import faults_clients as clients
from tests.drills import faults_machine as machine
from tests.drills import faults_postgres as postgres
from tests.drills import faults_valkey as valkey
from tests.drills import faults_worker as worker
from tests.drills.observations import KINDS
from tests.drills.stand import Stand

ALL = frozenset(KINDS)
# What a database that cannot be written still answers.
READING = frozenset({"read", "list"})
WITHOUT_WORKER = ALL - {"summary"}


@dataclass(frozen=True, slots=True)
class Fault:
    """`unharmed`: kinds of calls of which none may fail. `needs` says why it cannot be drilled here.

    `around`: what has to be so before users are watched, and until they no longer are.
    """

    title: str
    inject: Callable[[Stand], AbstractContextManager[None]]
    seconds: float = 4.0
    recovery_seconds: float = 60.0
    unharmed: frozenset[str] = frozenset()
    needs: Callable[[Stand], str | None] = lambda _stand: None
    around: Callable[[Stand], AbstractContextManager[None]] = lambda _stand: nullcontext()


FAULTS: dict[str, Fault] = {
    "valkey-killed": Fault("Valkey killed", valkey.killed, unharmed=ALL),
    "valkey-hung": Fault("Valkey hung (SIGSTOP)", valkey.hung, unharmed=ALL),
    "valkey-full": Fault("Valkey full, refuses writes", valkey.full, unharmed=ALL),
    "valkey-empty": Fault("Valkey restarted empty", valkey.restarted_empty, seconds=1, unharmed=ALL),
    "postgres-killed": Fault("PostgreSQL killed (-9)", postgres.killed),
    "postgres-hung": Fault("PostgreSQL hung (SIGSTOP)", postgres.hung, seconds=8),
    "postgres-silent": Fault("Network to PostgreSQL silent", postgres.silent_network, seconds=8),
    "postgres-cut": Fault("Every connection to PostgreSQL cut", postgres.cut_off, seconds=1),
    "postgres-read-only": Fault("PostgreSQL read-only", postgres.read_only, unharmed=READING),
    "postgres-crowded": Fault("PostgreSQL without a free connection", postgres.crowded),
    "postgres-failover": Fault("PostgreSQL failed over to a standby", postgres.failed_over, seconds=2),
    "worker-killed": Fault(
        "Worker killed (-9) at each stage",
        worker.killed_at_each_stage,
        seconds=0,
        unharmed=WITHOUT_WORKER,
    ),
    "poison": Fault(
        "Pages that crash, hang, bloat the reader",
        worker.poisoned,
        unharmed=WITHOUT_WORKER,
    ),
    "names-dead": Fault("DNS silent", machine.names_dead, unharmed=ALL, needs=machine.can_silence),
    "clock": Fault(
        "Clock an hour ahead, and back",
        machine.clock_ahead,
        needs=machine.can_jump,
        around=machine.movable_clock,
    ),
    "slow-clients": Fault("400 half requests at gunicorn", clients.slow_clients, unharmed=ALL),
    "slow-clients-edge": Fault(
        "400 half requests at nginx",
        clients.slow_clients_at_the_edge,
        unharmed=ALL,
        needs=clients.needs_nginx,
    ),
    "disk-full": Fault("Disk full", machine.disk_full, needs=machine.can_fill),
}
