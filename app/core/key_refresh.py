"""Running processes learn of a key rotation: a look at the key directory every half minute."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import structlog

from app.core.keyring import KeyRing
from app.core.signing_keys import KeyRingError

INTERVAL_SECONDS = 30.0
log = structlog.get_logger(__name__)


@contextlib.asynccontextmanager
async def refreshed(key_ring: KeyRing, *, interval_seconds: float = INTERVAL_SECONDS) -> AsyncIterator[None]:
    task = asyncio.create_task(_refresh(key_ring, interval_seconds))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _refresh(key_ring: KeyRing, interval_seconds: float) -> None:
    while True:
        await asyncio.sleep(interval_seconds)
        try:
            changed = await asyncio.to_thread(key_ring.reload_if_changed)
        except (KeyRingError, OSError) as error:
            # What was loaded stays good; an operator is told until the directory is mended.
            log.error("keys_not_reloaded", reason=str(error))  # noqa: TRY400  # no traceback: it is the directory
            continue
        if changed:
            log.info("keys_reloaded", active=key_ring.active.kid)
