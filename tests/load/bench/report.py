"""What the bursts came to: the table, and whether it is enough."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.load.bench.targets import Target
from tests.load.bench.wrk import Burst

HEAD = (
    "| work | requests/s | p50 ms | p99 ms | processor µs | share of | by the clock | by the processor "
    "| goal | at least |\n|---|---|---|---|---|---|---|---|---|---|"
)


@dataclass(frozen=True, slots=True)
class Row:
    """Medians over the rounds; `share` of its base is the median of the rounds' own shares."""

    target: Target
    rate: float
    p50: float
    p99: float
    processor_us: float
    share: float | None
    processor_share: float | None

    @property
    def suffices(self) -> bool:
        return self.share is None or self.share >= self.target.least

    @property
    def line(self) -> str:
        figures = f"{self.rate:,.0f} | {self.p50:.1f} | {self.p99:.1f} | {self.processor_us:.0f}"
        if self.share is None or self.processor_share is None:
            return f"| {self.target.name} | {figures} | | | | | |"
        shares = f"{self.target.base} | {self.share:.2f} | {self.processor_share:.2f}"
        return f"| {self.target.name} | {figures} | {shares} | {self.target.goal} | {self.target.least} |"


def rows_of(targets: Sequence[Target], bursts: Mapping[str, Sequence[Burst]]) -> list[Row]:
    return [_row(target, bursts[target.name], bursts.get(target.base or "")) for target in targets]


def _row(target: Target, own: Sequence[Burst], base: Sequence[Burst] | None) -> Row:
    share = processor_share = None
    if base:
        pairs = list(zip(own, base, strict=True))
        share = statistics.median(ours.rate / theirs.rate for ours, theirs in pairs)
        processor_share = statistics.median(theirs.processor_us / ours.processor_us for ours, theirs in pairs)
    medians = (
        statistics.median(getattr(each, name) for each in own)
        for name in ("rate", "p50", "p99", "processor_us")
    )
    return Row(target, *medians, share, processor_share)
