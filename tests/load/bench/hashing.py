"""The floor of a login: nothing but hashes, in as many threads as the service has for them."""

import os
import threading
import time

from app.core.password_hashing import make_context
from tests.factories import PASSWORD, PASSWORD_HASH
from tests.load.bench.machine import Stopwatch
from tests.load.bench.wrk import Burst

# As app.core.passwords counts them.
THREADS = max(1, (os.cpu_count() or 1) - 1)


def hashes(*, seconds: float) -> Burst:
    """Passwords verified a second, in this process."""
    stopwatch, began = Stopwatch(os.getpid()), time.monotonic()
    counts = [0] * THREADS
    threads = [
        threading.Thread(target=_verify, args=(counts, own, began + seconds)) for own in range(THREADS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed, spent, many = time.monotonic() - began, stopwatch.stop(), sum(counts)
    milliseconds = elapsed * 1000 * THREADS / many
    return Burst(
        many / elapsed, milliseconds, milliseconds, 0, many, spent.server * 1_000_000 / many, spent.others
    )


def _verify(counts: list[int], own: int, deadline: float) -> None:
    context = make_context()
    while time.monotonic() < deadline:
        if not context.verify(PASSWORD, PASSWORD_HASH):
            raise ValueError("the hash of the test cast is not of its password")
        counts[own] += 1
