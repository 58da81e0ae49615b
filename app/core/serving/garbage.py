"""What a process has once it serves, it keeps: the collector is told, and comes seldom.

An application of half a million objects is otherwise looked through again and again, and each request's few
hundred objects set that off: 8-12 % of a worker's time. Most of them go by their reference count; cycles are
still collected, some megabytes later.
"""

import gc

# Net allocations until the youngest are looked through; how often the older ones are (CPython: 700, 10, 10).
THRESHOLDS = (20_000, 20, 50)


def collect_seldom() -> None:
    """From the start: looking through what is imported, and kept, is a fifth of the start."""
    gc.set_threshold(*THRESHOLDS)


def settle() -> None:
    """Once everything is loaded. What is garbage by then goes; what is left is never looked at again."""
    gc.collect()
    gc.freeze()
    collect_seldom()
