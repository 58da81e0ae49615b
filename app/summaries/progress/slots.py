"""How many streams may be open: of one person, and in this process."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from prometheus_client import Counter as Metric
from prometheus_client import Gauge

from app.core.principal import Principal
from app.summaries.progress.errors import StreamsFullError, TooManyStreamsError

# Whoever has not said yet who they are may not fill the process.
UNKNOWN_SHARE = 10
# Nor may one network keep all others from saying it.
UNKNOWN_PER_NETWORK = 10

OPEN = Gauge(
    "precis_streams_open", "Open event streams and WebSockets.", ["kind"], multiprocess_mode="livesum"
)
REFUSED = Metric("precis_streams_refused", "Streams refused, by the bound that was reached.", ["bound"])


class StreamSlots:
    def __init__(self, *, per_process: int, per_person: int) -> None:
        self._per_process = per_process
        self._per_person = per_person
        self._open = 0
        self._unknown = Counter[str]()
        self._people: Counter[tuple[UUID, UUID]] = Counter()

    @property
    def taken(self) -> int:
        return self._open

    @property
    def people(self) -> int:
        return len(self._people)

    @contextmanager
    def in_process(self, kind: str) -> Iterator[None]:
        """Raises StreamsFullError."""
        if self._open >= self._per_process:
            REFUSED.labels("process").inc()
            raise StreamsFullError
        self._open += 1
        OPEN.labels(kind).inc()
        try:
            yield
        finally:
            self._open -= 1
            OPEN.labels(kind).dec()

    @contextmanager
    def unknown(self, network: str) -> Iterator[None]:
        """Until somebody there has said who they are. Raises StreamsFullError, TooManyStreamsError."""
        if self._unknown.total() * UNKNOWN_SHARE >= self._per_process:
            REFUSED.labels("unknown").inc()
            raise StreamsFullError
        if self._unknown[network] >= UNKNOWN_PER_NETWORK:
            REFUSED.labels("network").inc()
            raise TooManyStreamsError("Too many of this network have not said yet who they are")
        self._unknown[network] += 1
        try:
            yield
        finally:
            self._unknown[network] -= 1
            if not self._unknown[network]:
                del self._unknown[network]

    @contextmanager
    def of(self, principal: Principal) -> Iterator[None]:
        """All credentials of a person count together. Raises TooManyStreamsError."""
        person = principal.organization_id, principal.user_id
        if self._people[person] >= self._per_person:
            REFUSED.labels("person").inc()
            raise TooManyStreamsError
        self._people[person] += 1
        try:
            yield
        finally:
            self._people[person] -= 1
            if not self._people[person]:
                del self._people[person]
