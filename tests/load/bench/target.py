"""One work, measured for some seconds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from httpx2 import Client, Response

from tests.load.bench import demands, lag
from tests.load.bench.hashing import hashes
from tests.load.bench.stage import Server
from tests.load.bench.wrk import Burst, Request, burst


class UselessBurstError(Exception):
    """Refused, failed, answered otherwise, or asked twice: its rate says nothing."""


@dataclass(frozen=True, slots=True)
class Hashing:
    name: str = demands.HASHES

    def measure(self, *, seconds: int, connections: int) -> Burst:
        del connections  # it has none
        return hashes(seconds=seconds)


@dataclass(frozen=True, slots=True)
class Target:
    """A burst asks what `requests` gives for so many seconds.

    `good` looks at one answer before thousands are counted; `status` is that of all. `once`: a burst that
    began anew measured something else. `lagging`: the event loop is watched meanwhile.
    """

    name: str
    server: Server
    requests: Callable[[float], Sequence[Request]]
    good: Callable[[Request, Response], bool]
    status: int = 200
    once: bool = False
    lagging: bool = False

    def measure(self, *, seconds: int, connections: int) -> Burst:
        """Raises UselessBurstError."""
        first, *more = self.requests(seconds)
        self._look_at(first, ask(self.server, first))
        requests = more if self.once else [first, *more]
        sent = [self.server.reached(request) for request in requests]
        before = self._lags()
        found = burst(self.server.url, sent, pid=self.server.pid, seconds=seconds, connections=connections)
        if found.failed or (self.once and found.requests > len(requests)):
            raise UselessBurstError(f"{self.name}: {found}, of {len(requests)} prepared")
        return replace(found, lags=lag.between(before, self._lags()))

    def _look_at(self, request: Request, answer: Response) -> None:
        if answer.status_code != self.status or not self.good(request, answer):
            raise UselessBurstError(f"{self.name}: {answer.status_code} {answer.headers} {answer.text}")

    def _lags(self) -> dict[float, float]:
        return lag.buckets(ask(self.server, Request("/metrics")).text) if self.lagging else {}


def ask(server: Server, request: Request) -> Response:
    sent = server.reached(request)
    with Client(base_url=server.url, trust_env=False) as client:
        return client.request(sent.method, sent.path, headers=dict(sent.headers), content=sent.body or None)
