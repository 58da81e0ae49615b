import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pebble import ProcessFuture, ProcessPool

from app.reading.article import MEDIUM, Article, RawDocument, Style
from app.reading.content_types import HTML, TEXT
from app.reading.errors import ReadingError, Reason
from app.reading.providers.errors import FallbackReason, ProviderError
from app.reading.sandbox import MIB, InChild, Sandbox, SandboxLimits
from tests.e2e.running import command_line, descendants, until
from tests.reading.documents_made import html

pytestmark = pytest.mark.integration

SENTENCE = "Bees are returning to the roofs of the city, beekeepers said on Monday to the council."
ARTICLE = RawDocument(html(*[f"{SENTENCE} {n}" for n in range(10)]), HTML)
# Many different words: the ranker keeps a vector entry for each, which takes time and memory.
HEAVY = RawDocument(" ".join(f"w{n}" for n in range(250_000)).encode(), TEXT)


@asynccontextmanager
async def sandbox(limits: SandboxLimits | None = None) -> AsyncIterator[Sandbox]:
    box = Sandbox(limits or SandboxLimits(children=1))
    try:
        yield box
    finally:
        await box.close()


async def test_a_refusal_in_the_child_arrives_whole() -> None:
    async with sandbox() as box:
        with pytest.raises(ReadingError) as failed:
            await box.run(RawDocument(b"only three words", TEXT))
    assert failed.value.reason is Reason.TOO_SHORT
    assert "20 words" in failed.value.hint


async def test_the_next_document_is_read_after_one_took_too_long() -> None:
    async with sandbox(SandboxLimits(children=1, seconds=0.05)) as box:
        with pytest.raises(ReadingError) as failed:
            await box.run(HEAVY)
        assert failed.value.reason is Reason.TIMEOUT
    async with sandbox() as box:
        assert (await box.run(ARTICLE)).result.summary.sentences


async def test_processor_time_is_bounded_for_each_document() -> None:
    async with sandbox(SandboxLimits(children=1, cpu_seconds=0)) as box:
        with pytest.raises(ReadingError) as failed:
            await box.run(HEAVY)
        assert failed.value.reason is Reason.TIMEOUT
        assert "processor" in failed.value.internal
        assert (await box.run(ARTICLE)).result.summary.sentences


async def test_memory_is_bounded_and_its_end_costs_one_document() -> None:
    async with sandbox(SandboxLimits(children=1, memory_bytes=24 * MIB)) as box:
        with pytest.raises(ReadingError) as failed:
            await box.run(HEAVY)
        assert failed.value.reason in {Reason.TOO_LARGE, Reason.INTERNAL}
        assert (await box.run(ARTICLE)).result.summary.sentences


async def test_a_child_killed_at_work_or_idle_is_replaced() -> None:
    async with sandbox() as box:
        # One stage: a child that is killed between the two is only replaced.
        heavy = (await box.extract_document(HEAVY)).article
        idle = processor_ticks()
        first = asyncio.create_task(box.summarise_article(heavy))
        assert await asyncio.to_thread(until, lambda: processor_ticks() > idle + 5, seconds=20)
        kill_children()
        with pytest.raises(ReadingError) as failed:
            await first
        assert failed.value.reason is Reason.INTERNAL
        assert (await box.run(ARTICLE)).article.title == "The bees of the city"


async def test_a_pool_broken_by_the_death_of_an_idle_child_is_replaced() -> None:
    async with sandbox() as box:
        await box.run(ARTICLE)
        kill_children()
        await asyncio.sleep(0.5)
        assert (await box.run(ARTICLE)).article.title == "The bees of the city"


def break_pools(monkeypatch: pytest.MonkeyPatch, *, many: int) -> None:
    """The first so many that are asked."""
    schedule = ProcessPool.schedule
    broken: list[ProcessFuture[Any]] = []  # Any: as below

    def ask(pool: ProcessPool, *args: Any, **kwargs: Any) -> ProcessFuture[Any]:  # Any: whatever is asked
        if len(broken) == many:
            return schedule(pool, *args, **kwargs)
        future: ProcessFuture[Any] = ProcessFuture()
        future.set_exception(BrokenProcessPool("All workers expired"))
        broken.append(future)
        return future

    monkeypatch.setattr(ProcessPool, "schedule", ask)


async def test_what_waited_in_a_pool_that_broke_is_read_by_the_next_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    break_pools(monkeypatch, many=1)
    async with sandbox() as box:
        assert (await box.run(ARTICLE)).article.title == "The bees of the city"


async def test_two_pools_that_break_one_after_the_other_are_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    break_pools(monkeypatch, many=2)
    async with sandbox() as box:
        with pytest.raises(ReadingError, match="All workers expired"):
            await box.run(ARTICLE)


async def test_a_warmed_up_sandbox_reads_at_once() -> None:
    async with sandbox() as box:
        await box.warm_up()
        assert (await box.run(ARTICLE)).article.language == "en"


async def test_a_models_answer_is_judged_in_a_child_and_its_refusal_arrives_whole() -> None:
    article = Article(f"{SENTENCE} {SENTENCE}", language="en")
    async with sandbox() as box:
        assert await box.preselect(article, len(SENTENCE) + 1) == SENTENCE
        judge = partial(box.judge_answer, article=article, length=MEDIUM, style=Style.BULLETS)
        assert (await judge("Bees return.")).text == "- Bees return."
        with pytest.raises(ProviderError) as refused:
            await judge("9 bees return.")
    assert refused.value.reason is FallbackReason.UNFAITHFUL


async def test_documents_are_read_side_by_side_and_children_are_renewed() -> None:
    async with sandbox(SandboxLimits(children=2, documents_per_child=3)) as box:
        results = await asyncio.gather(*(box.run(ARTICLE) for _ in range(8)))
    assert len({result.result.summary.text for result in results}) == 1


def test_a_function_for_the_child_is_never_run_by_the_parent() -> None:
    with pytest.raises(TypeError):
        InChild("extract_within")()


def test_the_sandbox_is_light_to_import() -> None:
    heavy = {"trafilatura", "lxml", "fasttext", "numpy", "docx", "pypdfium2", "sentencex", "Stemmer"}
    script = "import sys, app.reading.sandbox, app.reading.urls, app.reading.fetch; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)  # noqa: S603  # our own words
    assert not heavy & set(loaded.stdout.split())


def kill_children() -> None:
    for pid in children_of_forkserver():
        os.kill(pid, signal.SIGKILL)


def processor_ticks() -> int:
    """What the children have used, in hundredths of a second (utime of proc(5))."""
    stats = [Path(f"/proc/{pid}/stat").read_text(encoding="ascii") for pid in children_of_forkserver()]
    return sum(int(stat.rsplit(")", 1)[1].split()[11]) for stat in stats)


def children_of_forkserver() -> set[int]:
    """They were forked: the server's command line is theirs too."""
    servers = {pid for pid in descendants(os.getpid()) if "forkserver" in " ".join(command_line(pid))}
    return set[int]().union(*(descendants(pid) for pid in servers))
