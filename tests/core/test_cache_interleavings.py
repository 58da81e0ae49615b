"""In whatever order readers and writers take their steps, nobody is served what a finished write replaced."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from uuid import UUID

import pytest

from app.core.cache import BodyCache, CachedBody
from app.core.redis import RedisClient

pytestmark = pytest.mark.integration
AT_ONCE = 8
STEPS = 3
_names = count()


@dataclass(slots=True)
class World:
    """One key, what the database holds of it, and the last write that somebody was told of."""

    cache: BodyCache
    key: str
    database: int = 0
    told: int = 0

    def check(self, found: CachedBody) -> None:
        assert self.told <= int(found.body) <= self.database


async def reader(world: World) -> AsyncIterator[None]:
    missed = await world.cache.get(world.key)
    if isinstance(missed, CachedBody):
        world.check(missed)
        return
    yield
    read = world.database
    yield
    await world.cache.put(missed, CachedBody('"1"', str(UUID(int=1)), "private", str(read).encode()))


async def writer(world: World, *, version: int, commits: bool = True) -> AsyncIterator[None]:
    await world.cache.hold(world.key)
    yield
    if commits:
        world.database = version
    yield
    await world.cache.invalidate(world.key)
    if commits:
        world.told = max(world.told, version)


Actor = Callable[[World], AsyncIterator[None]]


def orders(actors: Sequence[int], left: dict[int, int] | None = None) -> Iterator[tuple[int, ...]]:
    """Every way in which the actors' steps can follow one another."""
    left = left or dict.fromkeys(actors, STEPS)
    if not any(left.values()):
        yield ()
        return
    for actor in actors:
        if left[actor]:
            for rest in orders(actors, {**left, actor: left[actor] - 1}):
                yield (actor, *rest)


async def play(cache: BodyCache, order: Sequence[int], actors: Sequence[Actor]) -> None:
    world = World(cache, f"summary:interleaved:{next(_names)}")
    playing = [actor(world) for actor in actors]
    for number in order:
        await anext(playing[number], None)
    found = await cache.get(world.key)
    assert not isinstance(found, CachedBody) or int(found.body) == world.database


async def play_all(client: RedisClient, played: Sequence[Sequence[int]], *actors: Actor) -> None:
    """Some at a time, each with a key of its own: more, and the client would answer that it is busy."""
    await client.ping()
    cache, places = BodyCache(client), asyncio.Semaphore(AT_ONCE)

    async def take_place(order: Sequence[int]) -> None:
        async with places:
            await play(cache, order, actors)

    await asyncio.gather(*(take_place(order) for order in played))


@pytest.mark.parametrize("commits", [True, False])
async def test_two_readers_and_a_writer_who_commits_or_fails(
    redis_client: RedisClient, *, commits: bool
) -> None:
    one = partial(writer, version=1, commits=commits)
    # The readers are alike: which of them is first does not matter.
    played = [order for order in orders(range(3)) if order.index(1) < order.index(2)]
    await play_all(redis_client, played, one, reader, reader)


async def test_a_reader_and_two_writers_who_wait_for_each_others_lock(redis_client: RedisClient) -> None:
    """The second holds as soon as the first has committed: maybe before that one's invalidation."""
    played = [order for order in orders(range(3)) if committed(order, 0) < order.index(1)]
    await play_all(redis_client, played, partial(writer, version=1), partial(writer, version=2), reader)


def committed(order: Sequence[int], actor: int) -> int:
    return [turn for turn, who in enumerate(order) if who == actor][1]
