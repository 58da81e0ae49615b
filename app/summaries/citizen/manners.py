"""The fetcher's gate: robots.txt first, then this host's next turn; who would wait long comes back later."""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from app.reading.errors import ReadingError, Reason
from app.reading.robots import RobotsFile, RobotsRules, Standing
from app.reading.urls import HostPort, SubmittedUrl
from app.summaries.citizen.pacing import Pace, Pacer
from app.summaries.citizen.robots_cache import RobotsCache

# A site that asks for more between two requests is not obeyed further: nobody waits an hour for a page.
LONGEST_CRAWL_DELAY_SECONDS = 10.0
# A job may hold its place in the worker for so long; it waits longer in the queue.
PATIENCE_SECONDS = 2.0
LONGEST_POSTPONED_SECONDS = 3600.0


class PostponedError(Exception):
    """The host's turn is far off: the job is to be put back for so many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class MannersOptions:
    """`exempt` hosts are the operator's own. `robots` None: robots.txt is ignored."""

    pace: Pace
    exempt: frozenset[HostPort] = frozenset()
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


class Manners:
    def __init__(self, pacer: Pacer, robots: RobotsCache | None, options: MannersOptions) -> None:
        self._pacer = pacer
        self._robots = robots
        self._options = options

    async def admit(self, url: SubmittedUrl) -> None:
        """Waits for a turn that is near.

        Raises:
            ReadingError: robots.txt forbids it, or its site is out of reach.
            PostponedError: the turn is not near.
        """
        if (url.host, url.port) in self._options.exempt:
            return
        turn = await self._pacer.turn(host_of(url), await self._pace(url))
        if not turn.is_mine:
            raise PostponedError(min(turn.seconds, LONGEST_POSTPONED_SECONDS))
        if turn.seconds > 0:
            await self._options.sleep(turn.seconds)

    async def told_to_wait(self, url: SubmittedUrl, seconds: int) -> None:
        if (url.host, url.port) not in self._options.exempt:
            await self._pacer.pause(host_of(url), seconds)

    async def _pace(self, url: SubmittedUrl) -> Pace:
        pace = self._options.pace
        delay = None if self._robots is None else await self._asked_delay(url, await self._robots.of(url))
        if not delay:
            return pace
        interval = max(pace.interval, min(delay, LONGEST_CRAWL_DELAY_SECONDS))
        return dataclasses.replace(pace, interval=interval, burst=1)

    async def _asked_delay(self, url: SubmittedUrl, found: RobotsFile) -> float | None:
        rules = await asyncio.to_thread(found.rules)
        _refuse_unless_allowed(rules, url)
        return rules.crawl_delay_seconds


def _refuse_unless_allowed(rules: RobotsRules, url: SubmittedUrl) -> None:
    if not rules.allow(url):
        # A site that could not say so now may say otherwise in ten minutes.
        is_passing = rules.standing is Standing.CLOSED
        raise ReadingError(Reason.ROBOTS_DISALLOWED, f"robots.txt: {rules.standing}", retryable=is_passing)


def host_of(url: SubmittedUrl) -> str:
    """What counts as one host: www is seldom another machine."""
    return url.host.removeprefix("www.")
