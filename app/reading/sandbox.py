"""Run the parsers in child processes that may die: a hostile page costs its own job, and nothing else.

Light to import: functions travel to the children by name, and only the children import what is behind them.
"""

import asyncio
import multiprocessing
import signal
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from pkgutil import resolve_name
from threading import Lock
from typing import Any, TypeVar

from pebble import ProcessExpired, ProcessFuture, ProcessPool
from typing_extensions import override

from app.reading.article import (
    MEDIUM,
    Article,
    Digest,
    ExtractResult,
    Judged,
    Length,
    RawDocument,
    Style,
    SummariseResult,
)
from app.reading.errors import ReadingError, Reason
from app.reading.providers.errors import ProviderError

Result = TypeVar("Result")
MIB = 1024 * 1024
CHILD = "app.reading.child"
PRELOAD = "app.reading.preload"


@dataclass(frozen=True, slots=True)
class SandboxLimits:
    """`memory_bytes` counts above the imported libraries; `seconds` is wall time, for a child that waits."""

    children: int = 2
    memory_bytes: int = 512 * MIB
    cpu_seconds: int = 10
    seconds: float = 20.0
    documents_per_child: int = 200


@dataclass(frozen=True, slots=True)
class InChild:
    """A function by its name. Unpickled it is the function itself, so only the child imports its module."""

    name: str

    @override
    def __reduce__(self) -> tuple[Callable[[str], Any], tuple[str]]:  # Any: as resolve_name says
        return resolve_name, (f"{CHILD}:{self.name}",)

    def __call__(self, *_args: object) -> Any:  # Any: never called in the parent
        raise TypeError(f"{self.name} runs in a child process only")


class Sandbox:
    def __init__(self, limits: SandboxLimits | None = None) -> None:
        self._limits = limits or SandboxLimits()
        # A server process forks the children with everything imported: a fresh one costs milliseconds, and
        # has none of the parent's threads, sockets or secrets.
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([CHILD, PRELOAD])
        self._lock = Lock()
        self._pool = self._new_pool()
        self._at_work: ProcessPool | None = None

    async def warm_up(self) -> None:
        """Start the children, off the event loop: importing what they need takes seconds."""
        await self._run(InChild("detect_language"), "warm up")

    async def extract_document(self, document: RawDocument) -> ExtractResult:
        """Raise `ReadingError`, whatever the document does to its process."""
        return await self._run(InChild("extract_within"), document, self._limits.cpu_seconds)

    async def summarise_article(
        self, article: Article, length: Length = MEDIUM, *, style: Style = Style.PARAGRAPH
    ) -> SummariseResult:
        cpu_seconds = self._limits.cpu_seconds
        return await self._run(
            InChild("summarise_within"), article, length, style=style, cpu_seconds=cpu_seconds
        )

    async def preselect(self, article: Article, most_bytes: int) -> str:
        cpu_seconds = self._limits.cpu_seconds
        return await self._run(InChild("preselect_within"), article, most_bytes, cpu_seconds=cpu_seconds)

    async def judge_answer(self, answer: str, article: Article, *, length: Length, style: Style) -> Judged:
        """Raise `ProviderError` where the answer is refused."""
        asked = {"length": length, "style": style, "cpu_seconds": self._limits.cpu_seconds}
        return await self._run(InChild("judge_within"), answer, article, **asked)

    async def run(self, document: RawDocument, length: Length = MEDIUM) -> Digest:
        """Both stages at one go, for callers that record nothing between them."""
        extracted = await self.extract_document(document)
        result = await self.summarise_article(extracted.article, length)
        return Digest(extracted.article, result)

    async def close(self) -> None:
        await asyncio.to_thread(_stop, self._pool)

    async def _run(self, function: Callable[..., Result], *args: object, **named: object) -> Result:
        call = partial(function, *args, **named)
        try:
            try:
                return await self._ask(call)
            except BrokenProcessPool:
                # A child that was killed between two documents takes along all that wait in its pool.
                return await self._ask(call)
        except (ReadingError, ProviderError, asyncio.CancelledError):
            raise
        except TimeoutError as error:
            raise ReadingError(Reason.TIMEOUT, "wall time in the child") from error
        except MemoryError as error:
            raise ReadingError(Reason.TOO_LARGE, "memory in the child") from error
        except ProcessExpired as error:
            raise _expired(error) from error
        except Exception as error:
            raise ReadingError(Reason.INTERNAL, f"in the child: {error!r}") from error

    async def _ask(self, call: Callable[[], Result]) -> Result:
        if self._is_at_work():
            future = self._schedule(call)
        else:
            # The first call starts the children, which takes half a second of blocking calls.
            future = await asyncio.to_thread(self._schedule, call)
        return await asyncio.wrap_future(future)

    def _schedule(self, call: Callable[[], Result]) -> ProcessFuture[Result]:
        with self._lock:
            pool = self._live_pool()
            future = pool.schedule(call, timeout=self._limits.seconds)
            self._at_work = pool
            return future

    def _is_at_work(self) -> bool:
        """It only puts into a queue what it is given: nothing to be started, renewed or waited for."""
        return self._at_work is self._pool and not self._lock.locked() and self._pool.active

    def _new_pool(self) -> ProcessPool:
        return ProcessPool(
            max_workers=self._limits.children,
            max_tasks=self._limits.documents_per_child,
            initializer=InChild("start"),
            initargs=(self._limits.memory_bytes,),
            context=self._context,
        )

    def _live_pool(self) -> ProcessPool:
        """A child killed from outside between two documents breaks pebble's pool for good: take a new one."""
        if not self._pool.active:
            _stop(self._pool)
            self._pool = self._new_pool()
        return self._pool


def _expired(error: ProcessExpired) -> ReadingError:
    if error.exitcode == -signal.SIGXCPU:
        return ReadingError(Reason.TIMEOUT, "processor time in the child")
    return ReadingError(Reason.INTERNAL, f"child ended with {error.exitcode}")


def _stop(pool: ProcessPool) -> None:
    pool.stop()  # type: ignore[no-untyped-call]  # pebble left this one bare
    pool.join()
