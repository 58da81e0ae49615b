"""How late the service's event loop was, by its own figures: two looks at /metrics and what lies between."""

import re
from collections.abc import Iterable, Mapping

_BUCKET = re.compile(r'^precis_event_loop_lag_seconds_bucket\{[^}]*le="([^"]+)"[^}]*\} (\S+)$', re.MULTILINE)


def buckets(metrics: str) -> dict[float, float]:
    """Turns at most so many seconds late, by that bound, since the process started."""
    found: dict[float, float] = {}
    for bound, count in _BUCKET.findall(metrics):
        found[float(bound)] = found.get(float(bound), 0.0) + float(count)
    return found


def between(before: Mapping[float, float], after: Mapping[float, float]) -> dict[float, float]:
    return {bound: count - before.get(bound, 0.0) for bound, count in after.items()}


def bound_of(percent: float, several: Iterable[Mapping[float, float]]) -> float | None:
    """The least bound, in seconds, that so many of a hundred turns kept; None where no turn was seen."""
    total: dict[float, float] = {}
    for found in several:
        for bound, count in found.items():
            total[bound] = total.get(bound, 0.0) + count
    seen = max(total.values(), default=0.0)
    return min(bound for bound, count in total.items() if count >= seen * percent / 100) if seen else None
