"""A worker that hears of new jobs at once, and goes on hearing when its connection was lost."""

import asyncio
from typing import Any

import structlog
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Notification
from procrastinate.worker import Worker
from typing_extensions import override

# From the loss of the connection on which news come until another is tried for.
DEAF_SECONDS = 1.0
log = structlog.get_logger(__name__)


class HearingWorker(Worker):
    """procrastinate's, for queues without periodic tasks. What is not heard is found every few seconds."""

    _news: int = 0

    @override
    async def _handle_notification(self, *, channel: str, notification: Notification) -> None:
        self._news += 1
        await super()._handle_notification(channel=channel, notification=notification)

    @override
    async def _fetch_and_process_jobs(self) -> None:
        """Again where news came while the queue was asked: the library forgets those, and would sleep on."""
        known = None
        while known != self._news and not self._stop_event.is_set():
            known = self._news
            await super()._fetch_and_process_jobs()  # type: ignore[no-untyped-call]  # procrastinate left it bare

    @override
    def _start_side_tasks(self) -> list[asyncio.Task[Any]]:  # Any: the library's
        # The library's own listener is left out for ours.
        self.listen_notify = False
        return [*super()._start_side_tasks(), asyncio.create_task(self._listen(), name="listener")]

    @override
    async def _monitor_side_tasks(self, side_tasks: list[asyncio.Task[Any]]) -> None:  # Any: as above
        """Of those that go on: with the one that has nothing periodic to do the library's looks away as well.

        Its issue 1597. A worker without a heartbeat would have its jobs taken from it while it runs them.
        """
        await super()._monitor_side_tasks([task for task in side_tasks if task.get_name() != "deferrer"])

    async def _listen(self) -> None:
        """Again where the connection was lost: a failover would leave the worker deaf.

        Cancelled it waits for nothing: the library's may take that for a loss, and never end (issue 1513).
        """
        while True:
            news = self.app.job_manager.listen_for_jobs(
                on_notification=self._handle_notification, queues=self.queues
            )
            hearing = asyncio.create_task(news)
            try:
                await asyncio.wait([hearing])
            finally:
                hearing.cancel()
            error = hearing.exception()
            if error is None:
                # A queue that tells nobody.
                return
            if not isinstance(error, ConnectorException):
                raise error
            log.warning("jobs_unheard", error=repr(error.__cause__))
            await asyncio.sleep(DEAF_SECONDS)
