"""What became of each summary that was acknowledged, by the database's own books."""

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

BOOKS = """
SELECT count(*) FILTER (WHERE s.id IS NULL) AS gone,
       count(*) FILTER (WHERE s.status = 'ready') AS ready,
       count(*) FILTER (WHERE s.status = 'failed') AS failed,
       count(*) FILTER (WHERE s.status NOT IN ('ready', 'failed')) AS unfinished,
       count(*) FILTER (WHERE s.attempt > 1) AS tried_again,
       count(*) FILTER (WHERE done.times > 1) AS done_twice
FROM unnest($1::uuid[]) AS asked(id)
LEFT JOIN summaries s ON s.id = asked.id
LEFT JOIN LATERAL (
    SELECT count(*) AS times
    FROM procrastinate_jobs j JOIN procrastinate_events e ON e.job_id = j.id AND e.type = 'succeeded'
    WHERE j.args->>'summary_id' = asked.id::text
) AS done ON true
"""


@dataclass(frozen=True, slots=True)
class Ledger:
    gone: int
    ready: int
    failed: int
    unfinished: int
    tried_again: int
    done_twice: int

    @property
    def faults(self) -> list[str]:
        wrong = {
            "gone": self.gone,
            "failed": self.failed,
            "unfinished": self.unfinished,
            "done twice": self.done_twice,
        }
        return [f"{count} summaries {name}" for name, count in wrong.items() if count]


async def read_ledger(url: str, ids: Sequence[str]) -> Ledger:
    connection = await asyncpg.connect(url)
    try:
        row = await connection.fetchrow(BOOKS, [one for one in ids if one])
        return Ledger(**dict(row))
    finally:
        await connection.close()
