"""How fast this machine is at the moment, by the yardstick that the costs of reading were set with.

They are processor time, and a shared processor takes one to five times as long for the same work. So each is
held to a ratio: beside trafilatura alone, which took 43 ms a page where the bounds were written down, in this
version, with these options and on these pages.
"""

import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Protocol, TypeVar

from trafilatura import bare_extraction
from typing_extensions import override

from tests.quality.evaluation_data import scrapinghub_pages

DESIGN_MILLISECONDS, DESIGN_VERSION = 43.0, "2.3.1"
# So short that the machine hardly changes within one, and so long that caches are warm in most of it.
BLOCKS = 20
Item = TypeVar("Item")
Result = TypeVar("Result")


class Pace(Protocol):
    def beside(self, items: Sequence[Item], do: Callable[[Item], Result]) -> tuple[list[Result], float]:
        """What `do` gives for each, and by how much this machine was slower than the design's meanwhile."""
        ...


class Measured(Pace):
    """By trafilatura's pages, of which some are read after each block of items."""

    def __init__(self, folder: Path) -> None:
        """Raises ValueError with another trafilatura: a slower one would excuse us, a faster one accuse."""
        if (found := version("trafilatura")) != DESIGN_VERSION:
            raise ValueError(
                f"43 ms a page is trafilatura {DESIGN_VERSION}'s: find out what {found} takes there"
            )
        self._pages = [page.html for page in scrapinghub_pages(folder)]
        for html in self._pages[:10]:  # what is loaded or compiled at its first use
            _cost(html)

    @override
    def beside(self, items: Sequence[Item], do: Callable[[Item], Result]) -> tuple[list[Result], float]:
        block = max(1, len(items) // BLOCKS)
        done, spent, read = list[Result](), 0.0, 0
        for start in range(0, len(items), block):
            done += map(do, items[start : start + block])
            due = len(self._pages) * len(done) // len(items)
            spent += sum(map(_cost, self._pages[read:due]))
            read = due
        return done, spent * 1000 / len(self._pages) / DESIGN_MILLISECONDS


class Assumed(Pace):
    """The design's, where its pages are not at hand."""

    @override
    def beside(self, items: Sequence[Item], do: Callable[[Item], Result]) -> tuple[list[Result], float]:
        return [do(item) for item in items], 1.0


def _cost(html: bytes) -> float:
    began = time.process_time()
    bare_extraction(html, with_metadata=True, include_comments=False, include_tables=False)
    return time.process_time() - began
