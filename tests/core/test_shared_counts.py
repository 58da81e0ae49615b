"""Counts reach the file that a process shares: soon, all of them, once."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import values
from prometheus_client.mmap_dict import MmapedDict

from app.core import shared_counts
from app.core.shared_counts import WRITE_SECONDS, Owed, share_counts, write_counts, written_together

pytestmark = pytest.mark.unit


@pytest.fixture
def owed() -> Owed:
    return Owed()


@pytest.fixture
def count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, owed: Owed
) -> Any:  # Any: the library has no types
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    made = written_together(values.MultiProcessValue(), owed)  # type: ignore[no-untyped-call]  # as above
    return made("counter", "things", "things_total", (), (), "Things.")


def written(folder: Path) -> float:
    (file,) = folder.glob("counter_*.db")
    ((_, found, *_),) = MmapedDict.read_all_values_from_file(str(file))  # type: ignore[no-untyped-call]  # as above
    return float(found)


def test_outside_a_loop_it_is_written_at_once(count: Any, tmp_path: Path) -> None:  # Any: as above
    count.inc(2)
    assert written(tmp_path) == count.get() == 2


async def test_in_a_loop_it_is_written_soon_and_seen_here_at_once(count: Any, tmp_path: Path) -> None:
    count.inc(2)
    count.inc(1)
    assert (count.get(), written(tmp_path)) == (3, 0)
    await asyncio.sleep(2 * WRITE_SECONDS)
    assert (count.get(), written(tmp_path)) == (3, 3)


class Unwritable:
    def write(self) -> None:
        raise OSError(28, "No space left on device")


async def test_one_that_cannot_be_written_keeps_no_other_from_it(
    count: Any, tmp_path: Path, owed: Owed
) -> None:
    owed.add(Unwritable(), asyncio.get_running_loop())
    count.inc(1)
    with pytest.raises(OSError, match="No space"):
        owed.write()
    assert written(tmp_path) == 1


async def test_what_goes_up_and_down_is_not_written_for_nothing(count: Any, tmp_path: Path) -> None:
    for amount in (1, -1, 1, -1):
        count.inc(amount)
    await asyncio.sleep(2 * WRITE_SECONDS)
    assert (count.get(), written(tmp_path)) == (0, 0)


async def test_what_is_set_is_not_added_to(count: Any, tmp_path: Path, owed: Owed) -> None:
    count.inc(5)
    count.set(1)
    owed.write()
    assert (count.get(), written(tmp_path)) == (1, 1)


def test_what_a_loop_left_unwritten_the_next_one_writes(
    count: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def increment(seconds: float) -> None:
        count.inc(1)
        await asyncio.sleep(seconds)

    with monkeypatch.context() as patched:
        # However long its loop takes to end.
        patched.setattr(shared_counts, "WRITE_SECONDS", 60)
        asyncio.run(increment(0))
    assert written(tmp_path) == 0
    asyncio.run(increment(2 * WRITE_SECONDS))
    assert written(tmp_path) == 2


async def test_a_forked_child_does_not_count_its_parents(count: Any, tmp_path: Path, owed: Owed) -> None:
    count.inc(5)
    owed.forget()
    owed.write()
    assert (count.get(), written(tmp_path)) == (0, 0)


@pytest.fixture
def value_class() -> Iterator[None]:
    before = values.ValueClass
    yield
    values.ValueClass = before


@pytest.mark.usefixtures("value_class")
async def test_a_process_shares_its_counts_and_may_write_them_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    share_counts()
    count = values.ValueClass("counter", "things", "things_total", (), (), "Things.")
    count.inc(1)
    await write_counts()
    assert written(tmp_path) == 1
