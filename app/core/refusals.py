"""Refused requests of verified callers, told to whomever `main.py` put on the app as `on_refusal`.

The core knows no audit log. Nobody listens: nothing happens.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from starlette.requests import HTTPConnection

from app.core.http import client_address
from app.core.principal import Principal


class RefusalKind(StrEnum):
    SCOPE = "scope"
    LIMIT = "limit"


@dataclass(frozen=True, slots=True)
class Refusal:
    """`name`: the scopes that were missing, or the limit that was reached."""

    kind: RefusalKind
    principal: Principal
    name: str
    address: str | None


# Called on the event loop within the request: it must neither wait nor raise.
RefusalListener = Callable[[Refusal], None]


def tell_refusal(connection: HTTPConnection, kind: RefusalKind, *, name: str) -> None:
    """Of an anonymous caller there is nobody to tell of."""
    principal: Principal | None = getattr(connection.state, "principal", None)
    if principal is None:
        return
    listener: RefusalListener | None = getattr(connection.app.state, "on_refusal", None)
    if listener is not None:
        listener(Refusal(kind, principal, name, client_address(connection.scope.get("client"))))
