"""What has the words that are looked for, and why it was found."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from typing_extensions import override

from app.core.pagination import Keyset, KeyValue
from app.summaries.models import Summary
from app.summaries.search.highlights import PIECES, WHOLE, Highlight, read_marks

HIGHLIGHTED = {"title": WHOLE, "summary": PIECES, "notes": PIECES}


@dataclass(frozen=True, slots=True)
class Found:
    """One of a list: `summary` is a row of `queries.SHOWN`. In one that is ordered by time `rank` is 0."""

    summary: Summary
    rank: int = 0
    highlights: tuple[Highlight, ...] = ()

    @property
    def id(self) -> UUID:
        return self.summary.id

    @property
    def created_at(self) -> datetime:
        return self.summary.created_at


@dataclass(frozen=True, slots=True)
class Relevance(Keyset):
    """By a rank that no column holds: the database's search function knows how to go on behind one."""

    @override
    def position(self, row: object) -> tuple[KeyValue, ...]:
        assert isinstance(row, Found)  # noqa: S101  # of our own making
        return row.rank, row.id


MOST_RELEVANT = Relevance("summaries by relevance", (Summary.id,))


def found_in(row: Any) -> Found:  # Any: a row of `queries.found_statement`
    marked = ((name, getattr(row, f"{name}_marked")) for name in HIGHLIGHTED)
    highlights = [found for name, text in marked if (found := read_marks(name, text))]
    return Found(row, row.rank, tuple(highlights))
