"""The audit log's seals, beside the jobs: entries are sealed within a second or two of their commit."""

import asyncio

import structlog

from app.audit.sealing import BATCH, Sealer

ROUND_SECONDS = 1.0

log = structlog.get_logger(__name__)


async def keep_sealing(sealer: Sealer) -> None:
    """For as long as the worker lives; by one worker at a time."""
    while True:
        try:
            full = await sealer.round() == BATCH
        except Exception:
            # Whatever it was, jobs go on, and what waits is still there in the next round.
            log.exception("audit_sealing_failed")
            full = False
        await asyncio.sleep(0 if full else ROUND_SECONDS)
