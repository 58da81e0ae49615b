"""People and programs at a running service: what they do well and what they do wrong, by rounds."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

from httpx2 import AsyncClient, ReadError, Response

from app.core.principal import Scope
from app.local.sample_articles import ARTICLES
from tests.factories import PASSWORD, Factory, Person, Robot
from tests.webhooks.receiver import Receiver, answer, receiving

SUMMARIES = "/api/v1/summaries"
HTML = "Content-Type: text/html; charset=utf-8\r\n"
SLOW_SECONDS = 4.0
# One more than the limit allows a minute: the last is refused with 429.
BAD_LOGINS = 5


@dataclass(frozen=True, slots=True)
class Cast:
    people: Sequence[Person]
    robots: Sequence[Robot]
    weak: Robot


@dataclass
class Traffic:
    """One `round` does of everything a little; `rounds` many, with a rest between."""

    client: AsyncClient
    cast: Cast
    site: Receiver
    statuses: dict[int, int] = field(default_factory=dict)
    watching: set[asyncio.Task[None]] = field(default_factory=set)

    async def rounds(self, count: int, *, rest_seconds: float) -> None:
        for number in range(count):
            await self.round(number)
            await asyncio.sleep(rest_seconds)

    async def round(self, number: int) -> None:
        person = self.cast.people[number % len(self.cast.people)]
        robot = self.cast.robots[number % len(self.cast.robots)]
        await asyncio.gather(
            self._log_in(person), self._summarise(robot), self._read(person), self._misbehave(person)
        )

    async def hook(self) -> None:
        """Each organisation is told twice: at an endpoint that takes it, and at one that does not."""
        for person in self.cast.people:
            for path in ("/hook", "/500"):
                body = {"url": self.site.url(path), "events": ["summary.ready", "summary.failed"]}
                await self._ask("POST", "/api/v1/webhooks", headers=person.headers, json=body)

    async def _log_in(self, person: Person) -> None:
        form = {"username": person.username, "password": PASSWORD}
        answered = await self._ask("POST", "/api/v1/auth/token", data=form)
        if answered.status_code == 200:
            token = answered.json()["refresh_token"]
            await self._ask("POST", "/api/v1/auth/refresh", json={"refresh_token": token})
        for _ in range(BAD_LOGINS):
            await self._ask("POST", "/api/v1/auth/token", data=form | {"password": "Wrong-Horse-9-Battery"})

    async def _summarise(self, robot: Robot) -> None:
        text = f"Note {secrets.token_hex(8)}. " + "A lighthouse warns ships of rocks near the coast. " * 30
        page, missing = self.site.url("/page"), self.site.url("/404")
        drafts: list[dict[str, str]] = [{"text": text}, {"url": page}, {"url": missing}]
        await asyncio.gather(*(self._submit(robot, draft) for draft in drafts))
        slow = await self._submit(robot, {"url": self.site.url("/slow")}, wait=0)
        if slow.is_success:
            task = asyncio.create_task(self._watch(robot, slow.json()["id"]))
            self.watching.add(task)
            task.add_done_callback(self.watching.discard)

    async def _submit(self, robot: Robot, draft: dict[str, str], *, wait: int = 10) -> Response:
        headers = robot.headers | ({"Prefer": f"wait={wait}"} if wait else {})
        return await self._ask("POST", SUMMARIES, headers=headers, json=draft)

    async def _watch(self, robot: Robot, summary_id: str) -> None:
        url = f"{SUMMARIES}/{summary_id}/events"
        # The service may stop before the summary is there.
        with suppress(ReadError):
            async with self.client.stream("GET", url, headers=robot.headers) as stream:
                async for _ in stream.aiter_bytes():
                    pass

    async def _read(self, person: Person) -> None:
        listed = await self._ask("GET", f"{SUMMARIES}?visibility=organization", headers=person.headers)
        body = {"text": "Reading costs less than writing. " * 20}
        headers = person.headers | {"Prefer": "wait=10"}
        made = await self._ask("POST", SUMMARIES, headers=headers, json=body)
        if listed.is_success and made.is_success:
            for _ in range(3):
                await self._ask("GET", f"{SUMMARIES}/{made.json()['id']}", headers=person.headers)

    async def _misbehave(self, person: Person) -> None:
        strangers = [{"Authorization": "Bearer nonsense"}, {"X-API-Key": "nonsense"}, {}]
        for headers in strangers:
            await self._ask("GET", SUMMARIES, headers=headers)
        await self._ask("POST", "/api/v1/auth/refresh", json={"refresh_token": "nonsense"})
        await self._ask("POST", SUMMARIES, headers=self.cast.weak.headers, json={"text": "Not mine to ask."})
        await self._ask("GET", f"{SUMMARIES}/{person.user_id}", headers=person.headers)
        await self._ask("POST", SUMMARIES, headers=person.headers, json={"nonsense": True})

    async def _ask(self, method: str, path: str, **wanted: object) -> Response:
        answered = await self.client.request(method, path, **wanted)  # type: ignore[arg-type]  # httpx2's own
        self.statuses[answered.status_code] = self.statuses.get(answered.status_code, 0) + 1
        return answered


async def make_cast(factory: Factory, *, people: int) -> Cast:
    owners = [await factory.person(f"reader_{number}") for number in range(people)]
    robots = [await factory.robot(owner) for owner in owners]
    return Cast(owners, robots, await factory.robot(owners[0], scopes=[Scope.SUMMARIES_READ]))


@asynccontextmanager
async def site() -> AsyncIterator[Receiver]:
    """Pages to fetch, one of them slow, and endpoints for webhooks."""
    page = (ARTICLES / "lighthouse.html").read_bytes()
    at_once = answer("200 OK", body=page, extra=HTML)

    async def slowly(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(SLOW_SECONDS)
        await at_once(writer)

    async with receiving() as receiver:
        receiver.answers |= {"/page": at_once, "/slow": slowly}
        yield receiver
