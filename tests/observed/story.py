"""One person's day with the service, and every word of it that no log, report or span may hold."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from fastapi import FastAPI
from httpx2 import AsyncClient, Response

from app.settings import Settings
from app.worker.process import run_worker
from tests.smtp_sink import SmtpSink, text_of
from tests.summaries.progress.streaming import socket_of
from tests.webhooks.receiver import Received, Receiver

API = "/api/v1"
WORDS = {
    "username": "zebediah_quill",
    "full name": "Zebediah Quillfeather",
    "address": "zebediah.quill@private.example",
    "password": "Walnut-Bridge-42-rain",
    "wrong password": "Cellar-Door-17-snow",
    "new password": "Copper-Kettle-91-wind",
    "page": "The porcupine conference voted against umbrellas",
    "query": "Quillfeather-7",
    "failed query": "hunter-of-albatrosses",
    "note": "buy marzipan before the inspection",
    "title": "Minutes of the porcupines",
    "search": "marzipan inspection",
    "path": "marzipan-in-a-path",
    "query credential": "hunter2-in-a-query",
    "idempotency key": "retry-of-zebediah-0001",
    "key's name": "the laptop in the attic",
    "file name": "porcupine-minutes.txt",
    "text": "Sentences about porcupines that nobody else may read are in this file.",
    "user agent": "Attic-Browser/7.1",
}
UNREADABLE = f"who={WORDS['failed query']}"
PAGE = f"<html><title>{WORDS['title']}</title><body><article>" + (
    f"<p>{WORDS['page']}. " + "It was a long afternoon, and nobody agreed on anything else at all. " * 12
)


@asynccontextmanager
async def working(settings: Settings) -> AsyncIterator[None]:
    worker = asyncio.create_task(run_worker(settings))
    try:
        yield
    finally:
        worker.cancel()
        with suppress(asyncio.CancelledError):
            await worker


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110  # other people's servers tell us nothing
            await asyncio.sleep(0.05)


@dataclass
class Story:
    """`secrets` grows as the service hands them out."""

    app: FastAPI
    client: AsyncClient
    stranger: Receiver
    mail: SmtpSink
    secrets: dict[str, str] = field(default_factory=lambda: dict(WORDS))
    headers: dict[str, str] = field(default_factory=dict)

    async def post(self, path: str, *, status: int, **options: Any) -> Any:  # Any: the client's, JSON
        answer = await self.client.post(f"{API}{path}", **{"headers": self.headers, **options})
        assert answer.status_code == status, (path, answer.text)
        self._keep_cookies(answer)
        return answer.json() if answer.content else None

    def keep(self, name: str, secret: str) -> str:
        assert len(secret) >= 8, name
        self.secrets[name] = secret
        return secret

    def _keep_cookies(self, answer: Response) -> None:
        for cookie in answer.headers.get_list("set-cookie"):
            name, _, value = cookie.partition(";")[0].partition("=")
            if value:
                self.keep(f"cookie {name}", value)

    async def letter(self, number: int) -> str:
        """The token in the letter of this number."""
        await until(lambda: len(self.mail.received) >= number)
        found = re.search(r"#token=(\S+)", text_of(self.mail.received[number - 1]))
        assert found
        return self.keep(f"mailed token {number}", found[1])

    async def arrive(self) -> None:
        names = {"username": WORDS["username"], "email": WORDS["address"], "full_name": WORDS["full name"]}
        await self.post("/users/register", status=201, json={**names, "password": WORDS["password"]})
        await self.post("/users/verify", status=200, json={"token": await self.letter(1)})
        await self._log_in("wrong password", status=401)
        await self._log_in("password", status=200)
        await self._log_in("password", status=200, path="/auth/login")
        pair = await self.post(
            "/auth/refresh", status=200, json={"refresh_token": self.secrets["refresh token"]}
        )
        self._hold(pair, "second ")

    async def _log_in(self, password: str, *, status: int, path: str = "/auth/token") -> None:
        form = {"username": WORDS["username"], "password": WORDS[password]}
        pair = await self.post(path, status=status, data=form, headers={"Origin": "http://127.0.0.1:8000"})
        if status == 200 and path == "/auth/token":
            self._hold(pair)

    def _hold(self, pair: dict[str, str], which: str = "") -> None:
        token = self.keep(f"{which}access token", pair["access_token"])
        self.keep(f"{which}refresh token", pair["refresh_token"])
        # Cookies would make it two credentials.
        self.client.cookies.clear()
        self.headers = {"Authorization": f"Bearer {token}", "User-Agent": WORDS["user agent"]}

    async def open_doors(self) -> None:
        made = await self.post("/api-keys", status=201, json={"name": WORDS["key's name"]})
        self.keep("API key", made["api_key"])
        for number, path in enumerate(("/hook", "/500")):
            hook = {"url": self.stranger.url(f"{path}?hook={WORDS['query']}"), "events": ["summary.ready"]}
            self.keep(
                f"webhook secret {number}", (await self.post("/webhooks", status=201, json=hook))["secret"]
            )
        feed = await self.post("/summaries/feed", status=201)
        self.keep("feed token", re.findall(r"prc_[a-z]+_\w+", feed["json_url"])[0])
        await self.client.get(urlsplit(feed["json_url"]).path)
        ticket = await self.post("/summaries/ws-ticket", status=201)
        self.keep("ticket", ticket["ticket"])
        async with socket_of(self.app, protocols=("precis.v1", f"ticket.{ticket['ticket']}")) as socket:
            await socket.accepted()

    async def submit(self, path: str, *, asks: str, **body: Any) -> dict[str, Any]:  # Any: JSON
        headers = {"X-API-Key": self.secrets["API key"], "X-Request-ID": asks, "Prefer": "wait=15"}
        headers["Idempotency-Key"] = f"{WORDS['idempotency key']}-{asks}"
        source = {"url": self.stranger.url(path), **body}
        made: dict[str, Any] = await self.post("/summaries", status=201, json=source, headers=headers)
        return made

    async def read(self) -> None:
        made = await self.submit("/page?patient=Quillfeather-7", asks="the-submit", notes=WORDS["note"])
        assert made["status"] == "ready", made
        failed = await self.submit(f"/gone?{UNREADABLE}", asks="the-failure")
        assert failed["status"] == "failed", failed
        files = {"file": (WORDS["file name"], WORDS["text"].encode() * 20, "text/plain")}
        await self.post("/summaries/upload", status=202, files=files)
        shared = await self.post(f"/summaries/{made['id']}/share", status=201, json={})
        self.keep("share link", urlsplit(shared["url"]).path.rpartition("/")[2])
        await self.client.get(urlsplit(shared["url"]).path)

    async def err(self) -> None:
        """What people do who are in a hurry."""
        for path in (
            f"{API}/{WORDS['path']}",
            f"{API}/summaries?access_token={WORDS['query credential']}",
            f"{API}/summaries?q={WORDS['search']}",
        ):
            await self.client.get(path, headers=self.headers)
        self.mail.answer = f"550 no such user <{WORDS['address']}>"
        refused = self.mail.refused
        await self.post("/auth/forgot-password", status=202, json={"email": WORDS["address"]}, headers={})
        await until(lambda: self.mail.refused > refused)
        self.mail.answer = None

    async def forget(self) -> None:
        letters = len(self.mail.received)
        await self.post("/auth/forgot-password", status=202, json={"email": WORDS["address"]}, headers={})
        token = await self.letter(letters + 1)
        body = {"token": token, "new_password": WORDS["new password"]}
        await self.post("/auth/reset-password", status=200, json=body, headers={})

    async def be_told(self) -> dict[str, str]:
        """The headers of the first delivery."""
        await until(lambda: bool(self._told()))
        return self._told()[0].headers

    def _told(self) -> list[Received]:
        return [one for one in self.stranger.received if one.path.startswith("/hook")]
