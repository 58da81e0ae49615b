"""How fast this machine is just now: processors are shared, and what they do in a second goes up and down."""

import re
import statistics
import time

WORD = re.compile(r"\w+")
TEXT = "The river rose by two metres in a night and nobody slept. " * 200
# What `_work` takes where the bounds were set (2 cores of an AMD EPYC that nobody else used).
NOMINAL_SECONDS = 0.005
TRIES = 9


def slowness() -> float:
    """How many times longer a fixed piece of work takes than there; never under 1."""
    return max(1.0, statistics.median(_work() for _ in range(TRIES)) / NOMINAL_SECONDS)


def _work() -> float:
    """Seconds of processor time."""
    began = time.process_time()
    lengths: dict[str, int] = {}
    for _ in range(10):
        for word in WORD.findall(TEXT):
            lengths[word] = lengths.get(word, 0) + len(word)
        sorted(TEXT.split())
    return time.process_time() - began
