"""A process's memory of what it would rather not do again, of bounded size."""

from collections.abc import Hashable
from typing import TypeVar

from typing_extensions import override

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Bounded(dict[K, V]):
    """The oldest make room; writing one again makes it the newest."""

    def __init__(self, max_entries: int) -> None:
        super().__init__()
        self._max_entries = max_entries

    @override
    def __setitem__(self, key: K, value: V) -> None:
        self.pop(key, None)
        while len(self) >= self._max_entries:
            del self[next(iter(self))]
        super().__setitem__(key, value)
