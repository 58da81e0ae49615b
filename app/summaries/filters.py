"""What narrows a list, its count and its export: one description for all three."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from app.summaries.vocabulary import Status, Visibility


@dataclass(frozen=True, slots=True)
class Filters:
    """None: either way. `created_after` is inclusive, `created_before` exclusive.

    `terms` are words and phrases to be found, `without` those that must not be; `labels` are `tag:…`,
    `site:…` and `lang:…`, all of which must be there, and none of `without_labels`.
    """

    status: Status | None = None
    visibility: Visibility | None = None
    favourite: bool | None = None
    archived: bool | None = False
    created_after: datetime | None = None
    created_before: datetime | None = None
    terms: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    without_labels: tuple[str, ...] = ()

    @property
    def need_search(self) -> bool:
        """Whether the index of words is asked."""
        return bool(self.terms or self.without or self.labels or self.without_labels)

    def wanted(self) -> Mapping[str, object]:
        """JSON for the database's search functions (migration 0021); nothing where there is no choice."""
        return {name: _plain(value) for name, value in asdict(self).items() if value is not None}


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value
