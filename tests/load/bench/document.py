"""docs/performance.md: what was measured goes between two marks, what was written by hand stays."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from tests.load.bench.report import HEAD, Row

# Above it the clock tells of the others.
MOST_OTHERS = 0.1
FILE = Path(__file__).parents[3] / "docs/performance.md"
BEGIN, END = "<!-- measured: `make bench` writes this part -->", "<!-- by hand from here -->"


@dataclass(frozen=True, slots=True)
class Measurement:
    """`others`: the share of the machine that somebody else took; `load`: how it was asked, in words."""

    rows: Sequence[Row]
    machine: str
    load: str
    others: float
    day: date

    @property
    def busy(self) -> bool:
        return self.others > MOST_OTHERS

    @property
    def text(self) -> str:
        made = f"Measured on {self.day}: {self.machine}; {self.load}."
        made += f" Others took {self.others:.0%} of the machine."
        made += " The clock tells of them as well: go by the processor." if self.busy else ""
        lines = [BEGIN, "", *_folded(made), "", HEAD, *(row.line for row in self.rows), "", *_lags(self.rows)]
        return "\n".join([*lines, *_missed(self.rows), END])


def write(measurement: Measurement, *, file: Path = FILE) -> None:
    """Raises ValueError where the file lacks the marks."""
    head, begin, rest = file.read_text("utf-8").partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{file} has lost its marks: {BEGIN} and {END}")
    file.write_text(head + measurement.text + tail, "utf-8")


def _lags(rows: Sequence[Row]) -> list[str]:
    late = [
        f"{row.name}: 99 of 100 turns of the event loop at most {row.lag * 1000:.0f} ms late."
        for row in rows
        if row.lag is not None
    ]
    return [*late, ""] if late else []


def _missed(rows: Sequence[Row]) -> list[str]:
    missed = [f"- {row.name}: {row.missed}" for row in rows if row.missed]
    return ["Goals that are not reached:", "", *missed, ""] if missed else ["Every goal is reached.", ""]


def _folded(text: str) -> list[str]:
    return textwrap.wrap(text, 116)
