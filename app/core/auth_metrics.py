"""Who was let in and who was refused, by what they brought: how guessing and a broken login are seen."""

from enum import StrEnum
from types import TracebackType

from prometheus_client import Counter

from app.core.errors import ProblemError

JUDGED = Counter(
    "precis_auth",
    "Credentials that were judged, by what was brought and the outcome: accepted or refused.",
    ["action", "outcome"],
)


class AuthAction(StrEnum):
    LOGIN = "login"
    REFRESH = "refresh"
    SECOND_FACTOR = "second_factor"
    OAUTH = "oauth"
    API_KEY = "api_key"
    BEARER = "bearer"


class Judgement:
    """`with judgement:` counts what leaves it: nothing as accepted, a ProblemError below 500 as refused.

    Neither: a fault of ours (503, a lost database), and `undecided`, which asks for more. It stands in the
    way of every request, so its children are bound once; it keeps nothing, so requests share it.
    """

    __slots__ = ("_accepted", "_refused", "_undecided")

    def __init__(self, action: AuthAction, *, undecided: tuple[type[ProblemError], ...] = ()) -> None:
        self._accepted = JUDGED.labels(action, "accepted")
        self._refused = JUDGED.labels(action, "refused")
        self._undecided = undecided

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if error is None:
            self._accepted.inc()
        elif isinstance(error, ProblemError) and not isinstance(error, self._undecided):
            self.refuse(error)

    def accept(self) -> None:
        self._accepted.inc()

    def refuse(self, error: ProblemError) -> None:
        if error.status < 500:  # noqa: PLR2004  # RFC 9110 15.6: the 5xx class is our own fault
            self._refused.inc()


API_KEY = Judgement(AuthAction.API_KEY)
BEARER = Judgement(AuthAction.BEARER)
REFRESH = Judgement(AuthAction.REFRESH)
SECOND_FACTOR = Judgement(AuthAction.SECOND_FACTOR)
OAUTH = Judgement(AuthAction.OAUTH)
