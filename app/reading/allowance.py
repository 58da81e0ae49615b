"""Memory that fetches share: what one keeps of its page is bounded, and so is what all keep together."""

from types import TracebackType
from typing import Self


class Allowance:
    """`left`: bytes that nobody has taken."""

    def __init__(self, size: int) -> None:
        self.left = size

    def share(self) -> "Share":
        return Share(self)


class Share:
    """One fetch's, given back when it ends. Use as a context."""

    def __init__(self, allowance: Allowance) -> None:
        self._allowance = allowance
        self.taken = 0

    def grow_to(self, size: int) -> bool:
        """Of `size` bytes in all; False, and nothing is taken, where so many are not left."""
        wanted = size - self.taken
        if wanted > self._allowance.left:
            return False
        if wanted > 0:
            self._allowance.left -= wanted
            self.taken = size
        return True

    def give_back(self) -> None:
        self._allowance.left += self.taken
        self.taken = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.give_back()
