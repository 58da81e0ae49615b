"""The worker's mail, run to its end between two requests of a test, with every letter kept."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient
from procrastinate import App

from app.core.jobs import QUEUE
from app.core.mail import Letter
from app.worker.queue import BENCH, make_queue
from tests.fixtures import BASE_URL
from tests.summaries.workbench import bench_of

TOKEN = re.compile(r"#token=(\S+)")


@dataclass
class KeptMail:
    """A mailer that sends nothing; `error` is raised instead of keeping."""

    is_silent: bool = False
    error: Exception | None = None
    letters: list[Letter] = field(default_factory=list)

    async def send(self, letter: Letter) -> None:
        if self.error:
            raise self.error
        self.letters.append(letter)


@dataclass
class Post:
    """`deliver` works off all jobs that are due, and gives the new letters."""

    app: FastAPI
    queue: App
    kept: KeptMail

    async def deliver(self) -> list[Letter]:
        before = len(self.kept.letters)
        await self.queue.run_worker_async(
            queues=[QUEUE],
            wait=False,
            listen_notify=False,
            install_signal_handlers=False,
            additional_context={BENCH: bench_of(self.app)},
        )
        return self.kept.letters[before:]

    async def token(self) -> str:
        """Of the only letter that there is to deliver."""
        (letter,) = await self.deliver()
        return token_of(letter)


def token_of(letter: Letter) -> str:
    found = TOKEN.search(letter.text)
    assert found is not None, letter.text
    return found[1]


@asynccontextmanager
async def client_of(app: FastAPI, *, address: str = "127.0.0.1") -> AsyncIterator[AsyncClient]:
    """Of another app, or from another place."""
    transport = ASGITransport(app=app, client=(address, 50000))
    async with AsyncClient(transport=transport, base_url=BASE_URL) as client:
        yield client


def make_post(app: FastAPI, kept: KeptMail) -> Post:
    return Post(app, make_queue(app.state.settings, mailer=kept), kept)
