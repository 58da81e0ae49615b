"""Hash and verify passwords off the event loop: 25 ms each, in threads of their own behind a bounded queue.

Without a bound a login storm would queue for minutes; in the default pool forty threads would take 760 MiB
and starve everything else that uses it.
"""

import asyncio
import os
import secrets
import threading
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

import structlog

from app.core.errors import UnavailableError
from app.core.password_hashing import make_context

MAX_CODE_POINTS = 128

_Result = TypeVar("_Result")
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Verified:
    """`replacement_hash` is set when the password was right and its hash is of an outdated kind: store it."""

    ok: bool
    replacement_hash: str | None = None


class Passwords:
    """`max_pending` bounds running and waiting together; beyond it callers get UnavailableError at once."""

    def __init__(self, *, threads: int | None = None, max_pending: int = 64) -> None:
        self._context = make_context()
        workers = threads or max(1, (os.cpu_count() or 1) - 1)
        self._executor = ThreadPoolExecutor(workers, thread_name_prefix="passwords")
        self._places = threading.BoundedSemaphore(max_pending)
        # What an unknown user's password is compared with: nobody's, at the same cost.
        self._dummy_hash = _hash_of_nobody()

    async def hash(self, password: str) -> str:
        """Raise UnavailableError when too many wait, ValueError when longer than any policy allows."""
        secret = _canonical(password)
        if len(secret) > MAX_CODE_POINTS:
            raise ValueError(f"a password has at most {MAX_CODE_POINTS} characters")
        return await self._run(lambda: self._context.hash(_encoded(secret)))

    async def verify(self, password: str, hashed: str | None) -> Verified:
        """Do the same work for None (no such user) as for a hash. Raise UnavailableError as `hash` does."""
        return await self._run(lambda: self._verify(password, hashed))

    async def aclose(self) -> None:
        """Finish what was accepted, then stop the threads."""
        await asyncio.to_thread(self._executor.shutdown)

    async def _run(self, work: Callable[[], _Result]) -> _Result:
        if not self._places.acquire(blocking=False):
            raise UnavailableError(internal="too many passwords wait to be hashed")
        future = self._executor.submit(work)
        # On the thread's future, not in a finally: a cancelled caller leaves its work running, and counted.
        future.add_done_callback(lambda _: self._places.release())
        return await asyncio.wrap_future(future)

    def _verify(self, password: str, hashed: str | None) -> Verified:
        canonical = _canonical(password)
        # Longer than the policy ever allowed: surely wrong, and not worth hashing at its full length.
        secret = _encoded(canonical[:MAX_CODE_POINTS])
        if hashed is None or len(canonical) > MAX_CODE_POINTS:
            return self._refuse(secret)
        try:
            ok, replacement = self._context.verify_and_update(secret, hashed)
        except ValueError as error:
            # The operator must see it; the caller must not be able to tell this account from others.
            _log.error("password_hash_unreadable", kind=type(error).__name__)  # it quotes the hash
            return self._refuse(secret)
        return Verified(ok, replacement)

    def _refuse(self, secret: bytes) -> Verified:
        self._context.verify(secret, self._dummy_hash)
        return Verified(ok=False)


@cache
def _hash_of_nobody() -> str:
    """Of the parameters in force, and of a password that nobody knows; made once a process."""
    return str(make_context().hash(secrets.token_hex()))


def _canonical(password: str) -> str:
    """NFC: one keyboard sends é as one code point, another as two. Nothing is trimmed, folded or cut.

    The policy counts its characters in this form too, so whatever it lets through can be hashed.
    """
    return unicodedata.normalize("NFC", password)


def _encoded(canonical: str) -> bytes:
    return canonical.encode("utf-8", "surrogatepass")
