"""Who asks, in one turn of the event loop: the guess of whom a credential stands for chooses what is asked.

Nobody is let in by the guess.
"""

from collections.abc import Sequence
from typing import NamedTuple, Self

from starlette.requests import HTTPConnection
from starlette.types import Scope as ConnectionScope

from app.core.guard import admit, expected_principal
from app.core.http import MAX_HEADER_LENGTH
from app.core.limits import AsyncLimiter, Limit, principal_hits
from app.core.principal import Principal, Scope

BEARER = b"bearer "
READ_BY_US = frozenset({b"authorization", b"x-api-key", b"if-none-match"})


class Caller(NamedTuple):
    """Whoever presents one credential; `expected` is whom it stood for when this process last asked."""

    credential: str
    expected: Principal
    if_none_match: str | None

    @classmethod
    def of(cls, connection: HTTPConnection, *, needs: Scope) -> Self | None:
        """None for whom only the guard can judge."""
        sent = _credential_and_condition(connection.scope)
        expected = expected_principal(connection, sent[0]) if sent else None
        if sent is None or expected is None or needs not in expected.scopes:
            return None
        return cls(sent[0], expected, sent[1])

    async def admitted(self, connection: HTTPConnection, *, also: Sequence[Limit] = ()) -> Principal | None:
        """Asks in this turn of the loop whether it still lives and whether its limits allow it; counts it.

        `also` are the route's own limits, which then counts them no more. None where it stands for somebody
        else by now: for them it is counted too, but theirs is the route.
        """
        limiter: AsyncLimiter = connection.app.state.limiter
        hits = principal_hits(self.expected, also=also)
        count = limiter.begin(hits)
        principal = await admit(connection, self.credential)
        # Nearly always it is the very same, whose fields need no look.
        if principal is not self.expected and principal != self.expected:
            await limiter.enforce_principal(connection, principal)
            return None
        limiter.settle(connection, await count.verdict(), hits)
        if also:
            connection.state.counted_limits = also
        return principal


def _credential_and_condition(scope: ConnectionScope) -> tuple[str, str | None] | None:
    sent = [(name, value) for name, value in scope["headers"] if name in READ_BY_US]
    headers = dict(sent)
    if len(headers) != len(sent) or (b"authorization" in headers) == (b"x-api-key" in headers):
        return None
    credential = headers[b"x-api-key"] if b"x-api-key" in headers else _bearer(headers[b"authorization"])
    condition = headers.get(b"if-none-match")
    if not credential or (condition is not None and len(condition) > MAX_HEADER_LENGTH):
        return None
    return credential.decode("latin-1"), None if condition is None else condition.decode("latin-1")


def _bearer(header: bytes) -> bytes:
    return header[len(BEARER) :].strip() if header[: len(BEARER)].lower() == BEARER else b""
