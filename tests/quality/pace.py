"""How slow this machine is at the moment. A shared one may be four times slower than it was yesterday."""

import statistics
import time

# Processor time in which the machine that the bounds are meant for adds up so many numbers.
REFERENCE_SECONDS = 0.03
NUMBERS = 1_000_000
READINGS = 5


class Pace:
    """Read before and after what is measured: by the slower of the two its bound is multiplied."""

    def __init__(self) -> None:
        self._last = reading()

    def since(self) -> float:
        """As a multiple of the reference since the last call, and no less than 1."""
        before, self._last = self._last, reading()
        return max(1.0, before, self._last)


def reading() -> float:
    return statistics.median(_added_up() for _ in range(READINGS)) / REFERENCE_SECONDS


def _added_up() -> float:
    began = time.process_time()
    total = 0
    for number in range(NUMBERS):
        total += number
    return time.process_time() - began
