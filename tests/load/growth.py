"""Whether what people do all day costs the same beside ten million summaries as beside ten thousand.

`python -m tests.load.growth [--rows 10000000] [--tenants 10000]` starts its own servers, fills two databases
of one shape on one PostgreSQL, and asks both by turns, so that a busy machine slows both. Ratios hold,
absolute figures are this machine's. It needs about 3 KB of disk a row. Of what grows beyond the goal it shows
the plans.
"""

import argparse
import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from typing import Any

import asyncpg
from asgi_lifespan import LifespanManager
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient

from app.core.principal import Scope
from app.core.serving.garbage import settle
from app.main import create_app
from app.settings import Settings
from tests.factories import Factory, Person
from tests.fixtures import BASE_URL
from tests.load.growth_rows import PLANTED, Place, Size, load
from tests.load.growth_servers import start
from tests.summaries.search.explained import explain_everything, plans_of

PATH = "/api/v1/summaries"
SMALL = 10_000
TIMES, SECONDS, WARMING = 120, 20.0, 5
GOAL, PAGES = 1.5, 1000
LISTS = {
    "list, page 1": "?",
    "list, status=failed": "?status=failed",
    "list, favourites": "?favourite=true",
    "list, archive": "?archived=true",
    "list, private": "?visibility=private",
    "list, oldest first": "?sort=created_at",
    "list, a tag, common": "?tag=t1",
    "list, a tag, rare": "?tag=t150",
    "list, a tag, planted": f"?tag={PLANTED}",
    "search, one hit": "?q=9990",
    "search, no hit": "?q=nowhere",
    "search, planted word": f"?q={PLANTED}",
    "search, rare word": "?q=w5000",
    "search, rare word, newest": "?q=w5000&limit=1",
    "search, middling word": "?q=w100",
    "search, common word": "?q=w1",
    "search, two words": "?q=w1 w100",
    "search, rare word without a common one": "?q=w5000 -w1",
    "search, by relevance": "?q=w100&sort=relevance",
    "search, common word by relevance": "?q=w1&sort=relevance",
    "trash": "/trash",
    "count, all": "/count?",
    "count, status=failed": "/count?status=failed",
    "count, status=ready": "/count?status=ready",
    "count, favourites": "/count?favourite=true",
    "count, planted word": f"/count?q={PLANTED}",
    "count, rare word": "/count?q=w5000",
    "count, middling word": "/count?q=w100",
    "count, middling word, at most 100": "/count?q=w100&at_most=100",
}
IDS = """
SELECT id::text FROM (
    SELECT id, row_number() OVER (ORDER BY created_at DESC) AS place, count(*) OVER () AS many
    FROM summaries WHERE organization_id = $1 AND visibility = 'organization' AND deleted_at IS NULL) own
WHERE place % greatest(1, many / $2) = 0 LIMIT $2
"""
SIZES = """
SELECT relname AS name, relkind::text AS kind, pg_table_size(oid) AS bytes, reltuples::bigint AS entries
FROM pg_class WHERE relname LIKE '%summar%' AND relkind IN ('r', 'i') AND pg_relation_size(oid) > 1000000
ORDER BY 3 DESC
"""
Ask = Callable[["Side"], Awaitable[Any]]  # Any: JSON


@dataclass(slots=True)
class Side:
    """One of the two databases, and who owns a tenth of it."""

    name: str
    app: FastAPI
    client: AsyncClient
    place: Place
    ids: Iterator[str] = field(default_factory=lambda: iter(()))
    cursor: str = ""
    taken: dict[str, list[float]] = field(default_factory=dict)

    async def log_in(self) -> None:
        """The first login has ended while rows were added."""
        scopes = Scope.SUMMARIES_READ, Scope.SUMMARIES_WRITE
        person = await Factory(self.app).with_scopes(self.place.person, *scopes)
        self.place = replace(self.place, person=person)

    async def get(self, path: str) -> Any:  # Any: JSON
        answer = await self.client.get(PATH + path, headers=self.place.person.headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, **body: object) -> None:
        answer = await self.client.post(PATH, json=body, headers=self.place.person.headers)
        assert answer.status_code in {200, 202}, answer.text

    async def spread_ids(self, *, many: int) -> list[str]:
        """Of all ages."""
        connection = await asyncpg.connect(self.place.superuser_url)
        try:
            rows = await connection.fetch(IDS, self.place.person.organization_id, many)
        finally:
            await connection.close()
        return [row["id"] for row in rows]

    async def walk(self) -> int:
        """To the thousandth page, or the last full one."""
        for number in range(1, PAGES):
            page = await self.get(f"?{self.cursor}")
            if not page["has_more"]:
                return number
            self.cursor = f"cursor={page['next_cursor']}"
        return PAGES


def tell(line: str) -> None:
    """At once: a run takes its time."""
    print(line, flush=True)  # noqa: T201  # a script's result


async def compare(name: str, ask: Ask, sides: list[Side]) -> float:
    """By turns, and by turns the other way round; the ratio of the medians."""
    shown = []
    for side in sides:
        side.taken[name] = []
        for _ in range(WARMING):
            answer = await ask(side)
        shown.append(str(len(answer["items"])) if answer and "items" in answer else "")
    until = time.perf_counter() + SECONDS
    for number in range(TIMES):
        for side in sides if number % 2 else reversed(sides):
            began = time.perf_counter()
            await ask(side)
            side.taken[name].append((time.perf_counter() - began) * 1000)
        if time.perf_counter() > until:
            break
    small, large = (_percentiles(side.taken[name]) for side in sides)
    ratios = [much / little for little, much in zip(small, large, strict=True)]
    figures = (f"{value:.1f}" for value in (*small, *large)), (f"{ratio:.2f}" for ratio in ratios[:2])
    cells = [" : ".join(filter(None, shown)), *figures[0], *figures[1]]
    tell(f"| {name} | {' | '.join(cells)} |")
    return ratios[1]


def _percentiles(taken: list[float]) -> tuple[float, float, float]:
    """The least, which a busy machine disturbs least, the median and the 95th."""
    ordered = sorted(taken)
    return ordered[0], statistics.median(ordered), ordered[int(len(ordered) * 0.95)]


async def explain(name: str, ask: Ask, side: Side) -> None:
    """With the rows that each step met. The app's next connections tell their plans."""
    await side.app.state.database.dispose()
    with plans_of(side.app) as plans:
        await ask(side)
    tell(f"\nplans of {name}, {side.name}:\n" + "\n".join(plan for plan in plans if "summaries" in plan))


def operations(sides: list[Side]) -> Iterator[tuple[str, Ask]]:
    numbers = count()
    warm = {side.name: next(side.ids) for side in sides}
    words = "A short text that nobody has sent before, and its number is"
    yield "get, warm", lambda side: side.get(f"/{warm[side.name]}")
    yield "get, each once", lambda side: side.get(f"/{next(side.ids)}")
    yield "get with text", lambda side: side.get(f"/{warm[side.name]}?include=text")
    yield "list, deep page", lambda side: side.get(f"?{side.cursor}")
    for name, path in LISTS.items():
        yield name, partial(Side.get, path=path)
    yield "create", lambda side: side.post(text=f"{words} {next(numbers)}.")
    yield "create, an equal one exists", partial(Side.post, text=f"{words} one.", on_duplicate="return")


async def measure(sides: list[Side]) -> None:
    for side in sides:
        await side.log_in()
        side.ids = iter(await side.spread_ids(many=TIMES + 2 * WARMING))
        depth = await side.walk()
        tell(f"{side.name}: page {depth}, {(await side.get('/count'))['count']} on the shelf")
    tell("| | items | small, least ms | p50 | p95 | large, least | p50 | p95 | ratio of the least | of p50 |")
    tell("|---|---|---|---|---|---|---|---|---|---|")
    settle()
    grown = {name: ask for name, ask in operations(sides) if await compare(name, ask, sides) > GOAL}
    await explain_everything(sides[-1].place.superuser_url)
    for name, ask in grown.items():
        await explain(name, ask, sides[-1])


async def tell_sizes(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for row in await connection.fetch(SIZES):
            each = row["bytes"] / max(1, row["entries"])
            tell(f"{row['name']}: {row['bytes'] / 1e6:.0f} MB, {each:.0f} bytes each of {row['entries']}")
    finally:
        await connection.close()


async def run(places: list[tuple[Size, Settings, str]]) -> None:
    async with AsyncExitStack() as stack:
        sides = []
        for size, settings, url in places:
            app = create_app(settings)
            await stack.enter_async_context(LifespanManager(app, startup_timeout=60))
            client = AsyncClient(transport=ASGITransport(app=app), base_url=BASE_URL)
            await stack.enter_async_context(client)
            place = Place(url, await _owner(Factory(app)))
            loaded = await load(place, size)
            tell(f"{loaded.rows} rows loaded in {loaded.seconds:.0f} s, {loaded.indexing:.0f} s for indexes")
            sides.append(Side(f"{loaded.rows} rows", app, client, place))
        await tell_sizes(sides[-1].place.superuser_url)
        await measure(sides)


async def _owner(factory: Factory) -> Person:
    person = await factory.person("alice")
    await factory.enlarge(person)
    return person


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--tenants", type=int, default=10_000)
    parser.add_argument("--minutes", type=float, default=120, help="after which no more rows are added")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        servers = start(stack)
        sizes = {
            name: Size(rows=rows, tenants=arguments.tenants, seconds=arguments.minutes * 60)
            for name, rows in {"small": SMALL, "large": arguments.rows}.items()
        }
        asyncio.run(run([(size, *servers.settings(name)) for name, size in sizes.items()]))


if __name__ == "__main__":
    main()
