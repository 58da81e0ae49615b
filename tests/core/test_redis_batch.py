import asyncio
from collections.abc import Sequence

import pytest
from redis.exceptions import NoScriptError, ResponseError

from app.core.redis_batch import MAX_BATCH, Command, RedisBatch
from app.core.redis_errors import RedisDownError, RedisRefusedError

pytestmark = pytest.mark.unit


class Server:
    """Answers each command with its name, or as it is told."""

    def __init__(self, **answers: object) -> None:
        self.answers = answers
        self.batches: list[int] = []
        self.error: BaseException | None = None

    async def __call__(self, commands: Sequence[Command]) -> list[object]:
        self.batches.append(len(commands))
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        return [self.answers.get(str(command[0]), str(command[0]).encode()) for command in commands]


async def test_what_is_asked_in_one_turn_leaves_together_and_each_gets_its_own() -> None:
    server = Server()
    batch = RedisBatch(server)
    answers = await asyncio.gather(batch.ask(("A",), ("B",)).answers(), batch.ask(("C",)).answers())
    assert [*answers] == [[b"A", b"B"], [b"C"]]
    assert server.batches == [3]


async def test_another_turn_is_another_batch() -> None:
    server = Server()
    batch = RedisBatch(server)
    await batch.ask(("A",)).answers()
    await batch.ask(("A",)).answers()
    assert server.batches == [1, 1]


async def test_a_flood_is_several_batches() -> None:
    server = Server()
    batch = RedisBatch(server)
    await asyncio.gather(*(batch.ask(("A",)).answers() for _ in range(2 * MAX_BATCH + 1)))
    assert server.batches == [MAX_BATCH, MAX_BATCH, 1]


async def test_who_left_is_not_sent_and_nobody_misses_an_answer() -> None:
    server = Server()
    batch = RedisBatch(server)
    gone, here = batch.ask(("A",)), batch.ask(("B",))
    gone.future.cancel()
    assert await here.answers() == [b"B"]
    assert server.batches == [1]


async def test_who_leaves_while_it_is_under_way_takes_no_answer_from_others() -> None:
    batch = RedisBatch(Server())
    gone, here = batch.ask(("A",)), batch.ask(("B",))
    await asyncio.sleep(0)
    gone.future.cancel()
    assert await here.answers() == [b"B"]


async def test_a_lost_server_is_told_to_each() -> None:
    server = Server()
    server.error = RedisRefusedError("it is full")
    batch = RedisBatch(server)
    told = await asyncio.gather(*(batch.ask(("A",)).answers() for _ in range(2)), return_exceptions=True)
    assert [(type(each), str(each)) for each in told] == [(RedisRefusedError, "it is full")] * 2
    assert told[0] is not told[1]


async def test_a_batch_that_is_cancelled_leaves_nobody_waiting() -> None:
    server = Server()
    server.error = asyncio.CancelledError()
    with pytest.raises(RedisDownError, match="without an answer"):
        await RedisBatch(server).ask(("A",)).answers()


async def test_a_command_that_is_refused_is_its_own_askers_matter() -> None:
    batch = RedisBatch(Server(BAD=ResponseError("wrong type")))
    asked = (batch.ask(("A",), ("BAD",)), batch.ask(("C",)))
    bad, good = await asyncio.gather(*(each.answers() for each in asked), return_exceptions=True)
    assert isinstance(bad, RedisRefusedError)
    assert good == [b"C"]


async def test_an_unknown_script_is_an_answer() -> None:
    unknown = NoScriptError("no such script")
    assert await RedisBatch(Server(EVALSHA=unknown)).ask(("EVALSHA", "x", 0)).answers() == [unknown]
