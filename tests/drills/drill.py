"""One drill: a fault, while users go on, until all is as before; and what is to be said of it."""

import time
from dataclasses import dataclass

from tests.drills.catalogue import Fault
from tests.drills.observations import QUIET_SECONDS, Seen, broken_promises, slowest, told
from tests.drills.stand import Stand

FINISHED_SECONDS = 90.0
CALM_SECONDS = 30.0
SILENT_SECONDS = 25.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """`faults`: promises that were broken, which none may be. `remarks`: what its supervisor had to do."""

    title: str
    seen: str
    slowest_seconds: float
    accepted: int
    recovery_seconds: float | None
    alerts: tuple[str, ...]
    faults: tuple[str, ...]
    remarks: tuple[str, ...]

    def row(self) -> str:
        kept = "; ".join((f"all {self.accepted} accepted summaries", *self.remarks))
        if self.faults:
            kept = f"FAILED: {'; '.join((*self.faults, *self.remarks))}"
        back = "never" if self.recovery_seconds is None else f"{self.recovery_seconds:.1f}"
        alerts = ", ".join(self.alerts) or "none"
        cells = (self.title, self.seen, f"{self.slowest_seconds:.1f}", kept, back, alerts)
        return f"| {' | '.join(cells)} |"


HEADER = (
    "| Fault | What users see | Slowest call, s | Kept | Seconds to recover | Alerts |\n"
    "|---|---|---|---|---|---|"
)


def run(stand: Stand, fault: Fault, *, lengthened: float = 1.0) -> Outcome:
    """Raises AssertionError where a fault's own claim does not hold."""
    with fault.around(stand):
        return _run(stand, fault, lengthened=lengthened)


def _run(stand: Stand, fault: Fault, *, lengthened: float) -> Outcome:
    observations = stand.probes.observations
    calm = time.monotonic() - QUIET_SECONDS
    stand.until(lambda: observations.recovered_after(calm) is not None, seconds=CALM_SECONDS)
    # What the drill before set off would be taken for this one's.
    if lengthened >= 1:
        stand.until(lambda: not stand.alarms.firing(), seconds=SILENT_SECONDS)
    ever = stand.alarms.firing()
    stand.fired.clear()
    observations.accepted.clear()
    observations.stale = 0
    stand.lifted_at = 0.0
    stand.remarks.clear()
    began = time.monotonic()
    with fault.inject(stand):
        stand.wait(fault.seconds * lengthened)
        lifting = time.monotonic()
    lifted = stand.lifted_at or lifting
    limit = fault.recovery_seconds + QUIET_SECONDS
    stand.until(lambda: observations.recovered_after(lifted) is not None, seconds=limit)
    recovery = observations.recovered_after(lifted)
    seen = observations.since(began)
    faults = [*broken_promises(seen), *_harmed(seen, fault), *_lost(stand)]
    if recovery is None:
        late = observations.late_after(lifted)
        faults.append(f"not recovered within {fault.recovery_seconds:.0f} s: {late}")
    return Outcome(
        fault.title,
        told(seen),
        slowest(seen),
        len(observations.accepted),
        recovery,
        tuple(sorted(stand.fired - ever)),
        tuple(faults),
        tuple(dict.fromkeys(stand.remarks)),
    )


def _harmed(seen: list[Seen], fault: Fault) -> list[str]:
    bad = {f"{one.kind}: {one.answer}" for one in seen if not one.good and one.kind in fault.unharmed}
    return sorted(bad)


def _lost(stand: Stand) -> list[str]:
    """Of what was answered 201 or 202: each must be there, and must come to an end."""
    observations = stand.probes.observations
    accepted = dict(observations.accepted)
    faults = []
    if lost := stand.records.lost(accepted):
        faults.append(f"{len(lost)} of {len(accepted)} accepted summaries are gone")
    if not stand.until(lambda: not stand.records.unfinished(accepted), seconds=FINISHED_SECONDS):
        faults.append(f"{len(stand.records.unfinished(accepted))} summaries never came to an end")
    if observations.stale:
        faults.append(f"{observations.stale} reads older than the reader's own change")
    return faults
