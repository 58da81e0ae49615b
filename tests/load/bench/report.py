"""What the bursts came to: the table, and whether it is enough."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tests.load.bench import lag
from tests.load.bench.demands import DEMANDS, MOST_LAG_SECONDS, Demand
from tests.load.bench.wrk import Burst

HEAD = (
    "| work | requests/s | p50 ms | p99 ms | processor µs | share of | by the clock | by the processor "
    "| goal | at least |\n|---|---|---|---|---|---|---|---|---|---|"
)


@dataclass(frozen=True, slots=True)
class Share:
    """Of the base's figure: the median of the rounds' own shares, and the least and most of them."""

    median: float
    least: float
    most: float

    @property
    def text(self) -> str:
        return f"{self.median:.2f} ({self.least:.2f}-{self.most:.2f})"


@dataclass(frozen=True, slots=True)
class Row:
    """Medians over the rounds. `lag`: the bound in seconds that 99 of 100 turns of the event loop kept."""

    name: str
    rate: float
    p50: float
    p99: float
    processor_us: float
    clock: Share | None = None
    processor: Share | None = None
    demand: Demand | None = None
    lag: float | None = None

    @property
    def is_enough(self) -> bool:
        """Whether its share is what is demanded at least, by the clock or by the processor.

        What got slower is so by both. Others on the machine, or a disk that is fast today, move one of them.
        """
        if self.demand is None or self.clock is None or self.processor is None:
            return True
        return max(self.clock.median, self.processor.median) >= self.demand.at_least

    @property
    def missed(self) -> str:
        """What of the issue's demands it does not reach, by the clock; empty where nothing."""
        if self.demand is None or self.clock is None:
            return ""
        if self.lag is not None and self.lag > MOST_LAG_SECONDS:
            return f"the event loop is later than {MOST_LAG_SECONDS * 1000:.0f} ms"
        if self.clock.median < self.demand.at_least:
            return f"{self.clock.median:.2f}, at least {self.demand.at_least} is demanded"
        return (
            f"{self.clock.median:.2f} of {self.demand.goal}" if self.clock.median < self.demand.goal else ""
        )

    @property
    def line(self) -> str:
        figures = f"{self.rate:,.0f} | {self.p50:.1f} | {self.p99:.1f} | {self.processor_us:.0f}"
        if self.demand is None or self.clock is None or self.processor is None:
            return f"| {self.name} | {figures} | | | | | |"
        shares = f"{self.demand.base} | {self.clock.text} | {self.processor.text}"
        return f"| {self.name} | {figures} | {shares} | {self.demand.goal} | {self.demand.at_least} |"


def rows_of(bursts: Mapping[str, Sequence[Burst]]) -> list[Row]:
    return [_row(name, own, bursts) for name, own in bursts.items()]


def with_more(bursts: Mapping[str, Sequence[Burst]], more: Mapping[str, Sequence[Burst]]) -> list[Row]:
    """All, those that were measured again by their rounds of both times."""
    longer = {row.name: row for row in rows_of({name: [*bursts[name], *own] for name, own in more.items()})}
    return [longer.get(row.name, row) for row in rows_of(bursts)]


def _row(name: str, own: Sequence[Burst], bursts: Mapping[str, Sequence[Burst]]) -> Row:
    rate, p50, p99, processor_us = (
        statistics.median(getattr(each, figure) for each in own)
        for figure in ("rate", "p50", "p99", "processor_us")
    )
    if (demand := DEMANDS.get(name)) is None:
        return Row(name, rate, p50, p99, processor_us)
    pairs = list(zip(own, bursts[demand.base], strict=True))
    clock = _share(lambda ours, theirs: ours.rate / theirs.rate, pairs)
    processor = _share(lambda ours, theirs: theirs.processor_us / ours.processor_us, pairs)
    late = lag.bound_of(99, (each.lags for each in own))
    return Row(name, rate, p50, p99, processor_us, clock, processor, demand, late)


def _share(of: Callable[[Burst, Burst], float], pairs: Sequence[tuple[Burst, Burst]]) -> Share:
    shares = [of(ours, theirs) for ours, theirs in pairs]
    return Share(statistics.median(shares), min(shares), max(shares))


def others_share(bursts: Mapping[str, Sequence[Burst]]) -> float:
    """What share of the machine others took, in the median burst."""
    return statistics.median(each.others for several in bursts.values() for each in several)
