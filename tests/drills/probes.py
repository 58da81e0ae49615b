"""Users that never rest: they read, write, change, log in, and note what they are answered."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from httpx2 import AsyncClient, AsyncHTTPTransport, HTTPError, Response

from tests.drills.observations import Observations, Seen

PATH = "/api/v1/summaries"
ADA = {"username": "ada", "email": "ada@example.com", "password": "Engine-No-1-of-1837"}
LOGIN = {"username": ADA["username"], "password": ADA["password"]}
GIVE_UP_SECONDS = 25.0
TEXT = (
    "The river rose in the night and took the old bridge with it. Nobody in the town had heard a thing until "
    "the baker opened her door at four. By noon the council had met twice and agreed on nothing. Engineers "
    "from the capital arrived in the afternoon and said that a new bridge would take three years. The ferry, "
    "which had been out of service since the spring, was brought back the same evening."
)
Json = dict[str, Any]  # Any: JSON


@dataclass(slots=True)
class Probes:
    """All as one user; `watched` is the summary that is read and changed."""

    url: str
    observations: Observations = field(default_factory=Observations)
    watched: str = ""
    tokens: Json = field(default_factory=dict)
    client: AsyncClient = field(init=False)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    _former: list[AsyncClient] = field(default_factory=list)
    _refreshing: asyncio.Lock = field(default_factory=asyncio.Lock)
    _number: int = 0

    async def start(self) -> None:
        self.client = AsyncClient(base_url=self.url, timeout=GIVE_UP_SECONDS)
        answer = await self.client.post("/api/v1/users/register", json=ADA)
        assert answer.status_code == 201, answer.text
        self.tokens = (await self.client.post("/api/v1/auth/token", data=LOGIN)).json()

    async def go(self) -> None:
        created = await self.client.post(PATH, json={"text": TEXT}, headers=self.headers)
        assert created.status_code == 202, created.text
        self.watched = created.json()["id"]
        acts: list[tuple[str, float, Callable[[], Awaitable[Response]]]] = [
            # Not more than nginx lets one address have.
            ("read", 0.1, self._read),
            ("read", 0.1, self._read),
            ("list", 0.2, self._list),
            ("write", 0.15, self._write),
            ("change", 0.15, self._change),
            ("summary", 0.3, self._summary),
            ("login", 1.0, self._login),
        ]
        self._tasks += [asyncio.create_task(self._repeat(*act)) for act in acts]

    async def use(self, url: str) -> None:
        """From another address than the drills' own: it is this one that nginx counts."""
        transport = AsyncHTTPTransport(verify=False, local_address="127.0.0.2")
        self._former.append(self.client)
        self.client = AsyncClient(base_url=url, timeout=GIVE_UP_SECONDS, transport=transport)

    async def submit(self, **body: str) -> str:
        """Its id, once it has been accepted; tried again while the service is unavailable."""
        while (answer := await self.client.post(PATH, json=body, headers=self.headers)).status_code != 202:
            assert answer.status_code in {401, 503}, answer.text
            await asyncio.sleep(0.2)
        self._note(answer)
        return str(answer.json()["id"])

    async def upload(self, size: int) -> Seen:
        """A text file, too large to be kept in memory while it arrives."""
        words = f"{TEXT} Upload {time.monotonic()}. ".encode()
        data = (words * (size // len(words) + 1))[:size]
        files = {"file": ("river.txt", data, "text/plain")}

        async def send() -> Response:
            answer = await self.client.post(f"{PATH}/upload", files=files, headers=self.headers)
            self._note(answer)
            return answer

        return await self.observe("upload", send)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        for client in (*self._former, self.client):
            await client.aclose()

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens['access_token']}"}

    async def _repeat(self, kind: str, pause: float, act: Callable[[], Awaitable[Response]]) -> None:
        while True:
            await self.observe(kind, act)
            await asyncio.sleep(pause)

    async def observe(self, kind: str, act: Callable[[], Awaitable[Response]]) -> Seen:
        began, token = time.monotonic(), self.tokens["access_token"]
        try:
            answer = await act()
        except HTTPError as error:
            seen = Seen(kind, began, time.monotonic() - began, 0, type(error).__name__, good=False)
        else:
            seen = _seen(kind, began, answer)
            if seen.status == 401:
                await self._refresh(token)
        self.observations.add(seen)
        return seen

    async def _read(self) -> Response:
        return await self.client.get(f"{PATH}/{self.watched}", headers=self.headers)

    async def _list(self) -> Response:
        return await self.client.get(PATH, params={"limit": 5}, headers=self.headers)

    async def _write(self) -> Response:
        answer = await self.client.post(PATH, json=self._draft(), headers=self.headers)
        self._note(answer)
        return answer

    async def _summary(self) -> Response:
        headers = {**self.headers, "Prefer": "wait=5"}
        answer = await self.client.post(PATH, json=self._draft(), headers=headers)
        self._note(answer)
        return answer

    async def _change(self) -> Response:
        """What was acknowledged must be what is read next, by whichever process."""
        notes = str(time.monotonic())
        answer = await self.client.patch(
            f"{PATH}/{self.watched}", json={"notes": notes}, headers=self.headers
        )
        if answer.status_code == 200:
            # On a connection of its own, which any of the processes may get.
            headers = {**self.headers, "Connection": "close"}
            read = await self.client.get(f"{PATH}/{self.watched}", headers=headers)
            self.observations.stale += read.status_code == 200 and read.json()["notes"] != notes
        return answer

    async def _login(self) -> Response:
        return await self.client.post("/api/v1/auth/token", data=LOGIN)

    async def _refresh(self, refused: str) -> None:
        """Once for all: a refresh token that is used twice is a stolen one."""
        async with self._refreshing:
            if self.tokens["access_token"] == refused:
                body = {"refresh_token": self.tokens["refresh_token"]}
                answer = await self.client.post("/api/v1/auth/refresh", json=body)
                if answer.status_code == 200:
                    self.tokens = answer.json()

    def _draft(self) -> Json:
        """Never the same text twice: an equal one would be answered with its summary."""
        self._number += 1
        return {"text": f"{TEXT} It was ferry number {self._number} of {time.monotonic()}."}

    def _note(self, answer: Response) -> None:
        if answer.status_code in {201, 202}:
            self.observations.accepted[answer.json()["id"]] = time.monotonic()


def _seen(kind: str, began: float, answer: Response) -> Seen:
    seconds = time.monotonic() - began
    status = answer.status_code
    good = status == 201 if kind == "summary" else status < 300
    code = _code(answer) if status >= 300 else ""
    if kind == "summary" and status == 202:
        code = "not ready within 5 s"
    return Seen(kind, began, seconds, status, code, "retry-after" in answer.headers, good)


def _code(answer: Response) -> str:
    """A problem document's, else whatever somebody else said."""
    try:
        return str(answer.json()["code"])
    except (ValueError, KeyError, TypeError):
        return "no problem document"
