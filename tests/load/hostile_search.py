"""What the dearest queries cost with the dearest summaries, in milliseconds a summary.

`python -m tests.load.hostile_search [--before]` starts a PostgreSQL of its own; `--before` measures it
without migration 0030, too, which takes minutes: no timeout ends a call of ts_headline. Ratios hold, absolute
figures are this machine's.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import asyncpg
from alembic import command

from app.core.errors import ValidationFailedError
from app.core.migrations import alembic_config
from app.summaries.search.highlights import PIECES
from app.summaries.search.query import parse_query
from tests.load.audit import served

BEFORE = "0029"
ROWS = 100
# Of a summary, that much is in the index of words.
INDEXED = 40_000
LETTERS = "".join(chr(0x4E00 + number) for number in range(20_000))
WORDS = [f"w{number}" for number in range(20)]


@dataclass(frozen=True, slots=True)
class Case:
    """`text` is repeated as often as fits."""

    text: str
    terms: Sequence[str]

    @property
    def content(self) -> str:
        return (self.text * (INDEXED // len(self.text) + 1))[:INDEXED]

    @property
    def wanted(self) -> str:
        return json.dumps({"terms": list(self.terms), "without": []})

    @property
    def is_let_in(self) -> bool:
        try:
            parse_query(" ".join(f'"{term}"' for term in self.terms))
        except ValidationFailedError:
            return False
        return True


CASES: Mapping[str, Case] = {
    "one word": Case("the bridge was old. ", ["bridge"]),
    "20 words": Case(" ".join([*WORDS, ""]), WORDS),
    "phrase of 32 words": Case("x y ", [" ".join(["x y"] * 16)]),
    "32 times one Chinese letter": Case("字", ["字" * 32]),
    "32 Chinese letters": Case(LETTERS[:32], [LETTERS[:32]]),
    "32 Chinese letters of 20,000": Case(LETTERS, [LETTERS[:32]]),
    "stems that nearly match": Case("a", [f"b{'a' * 18}{number}" for number in range(20)]),
    "phrase of 49 words": Case("x ", [" ".join(["x"] * 49)]),
    "95 Chinese letters": Case(LETTERS[:95], [LETTERS[:95]]),
    "4 phrases of 95 times one Chinese letter": Case("字", ["字" * 95] * 4),
}
PAGES = """
CREATE TEMPORARY TABLE pages AS
SELECT left($1, 20000) AS content, setweight(to_tsvector('simple', searchable($1)), 'B') AS search
FROM generate_series(1, $2)
"""
LOOKED_FOR = "(SELECT words FROM search_words($1) WHERE configuration = 'simple')"
RANKED_BY = "(SELECT search_any(ARRAY(SELECT search_lexemes('simple', $1::jsonb->'terms', 10))) AS words)"
MATCH = f"SELECT count(*) FROM pages, {LOOKED_FOR} w WHERE search @@ words"  # noqa: S608  # our own words
RANK = f"SELECT sum(ts_rank(search, words, 1)) FROM pages, {RANKED_BY} w"  # noqa: S608  # as above
RANK_BEFORE = f"SELECT sum(ts_rank(search, words, 1)) FROM pages, {LOOKED_FOR} w"  # noqa: S608  # as above
READ = "search_readings($1::jsonb->'terms', ARRAY['simple'], 32)"
MARKED = "search_mark(content, words, lexemes, query, $2)"
HIGHLIGHT = f"SELECT sum(length({MARKED})) FROM pages, {READ}"  # noqa: S608  # as above
HIGHLIGHT_BEFORE = "SELECT sum(length(search_highlight(content, 'zh', $1::jsonb->'terms', $2))) FROM pages"


async def measure(url: str, *, rank: str, highlight: str, rows: int) -> None:
    connection = await asyncpg.connect(url)

    async def timed(statement: str, *arguments: object) -> float:
        began = time.perf_counter()
        await connection.fetchval(statement, *arguments)
        return round((time.perf_counter() - began) * 1000 / rows, 2)

    for name, case in CASES.items():
        await connection.execute("DROP TABLE IF EXISTS pages")
        # CREATE TABLE AS takes no parameters: the text is our own.
        filled = PAGES.replace("$1", f"'{case.content}'").replace("$2", str(rows))
        await connection.execute(filled)
        found = {
            "let in": case.is_let_in,
            "match": await timed(MATCH, case.wanted),
            "rank": await timed(rank, case.wanted),
            "highlight": await timed(highlight, case.wanted, PIECES),
        }
        print(f"{name}: {json.dumps(found)}", flush=True)  # noqa: T201  # a script's result
    await connection.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--before", action="store_true")
    arguments = parser.parse_args()
    with served() as (settings, superuser_url):
        url = superuser_url.replace("+asyncpg", "")
        asyncio.run(measure(url, rank=RANK, highlight=HIGHLIGHT, rows=ROWS))
        if arguments.before:
            command.downgrade(alembic_config(settings.migration_database_url), BEFORE)
            asyncio.run(measure(url, rank=RANK_BEFORE, highlight=HIGHLIGHT_BEFORE, rows=1))


if __name__ == "__main__":
    main()
