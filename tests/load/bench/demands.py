"""How near to the floor each work has to come: one table for the document and for CI."""

from collections.abc import Sequence
from dataclasses import dataclass

HELLO = "floor GET /hello"
CACHED, ROW, POST_ROW = "floor GET /cached", "floor GET /row", "floor POST /row"
HASHES = "floor, hashes alone"
WARM, WARM_KEY, WARM_304 = "GET /summaries/{id}, bearer", "the same, API key", "the same, 304"
COLD, PAGE = "GET /summaries/{id}, cold", "GET /summaries?limit=20"
SUBMIT, LOG_IN, REFRESH = "POST /summaries", "POST /auth/token", "POST /auth/refresh"


@dataclass(frozen=True, slots=True)
class Demand:
    """Shares of `base`'s figure, by the clock and on a machine that does nothing else."""

    base: str
    goal: float
    at_least: float


DEMANDS = {
    WARM: Demand(CACHED, goal=1.0, at_least=0.6),
    WARM_KEY: Demand(WARM, goal=0.95, at_least=0.85),
    WARM_304: Demand(CACHED, goal=1.1, at_least=0.7),
    COLD: Demand(ROW, goal=0.6, at_least=0.4),
    PAGE: Demand(ROW, goal=0.5, at_least=0.3),
    SUBMIT: Demand(POST_ROW, goal=0.4, at_least=0.25),
    LOG_IN: Demand(HASHES, goal=0.9, at_least=0.8),
    REFRESH: Demand(POST_ROW, goal=0.5, at_least=0.3),
}
NAMES = (HELLO, CACHED, ROW, POST_ROW, *DEMANDS, HASHES)
# Each of their requests needs a row of its own, made before.
NEED_ROWS = {COLD, REFRESH}
# Of the loop's turns while passwords are hashed, 99 in 100 are at most so late.
MOST_LAG_SECONDS = 0.01


def chosen(parts: Sequence[str]) -> set[str]:
    """The works that have one of these in their names, and what their shares are of; all without any."""
    wanted = {name for name in NAMES if not parts or any(part in name for part in parts)}
    while bases := {DEMANDS[name].base for name in wanted if name in DEMANDS} - wanted:
        wanted |= bases
    return wanted
