"""Only known names: a forged Host would end up in links, mails and caches (OWASP WSTG-INPV-17)."""

from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from app.core.errors import ProblemError
from app.core.problems import problem_response

# Probes, the supervisor and an operator's curl on the machine itself.
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
# We have a few, others invent them.
HOSTS_REMEMBERED = 256
# A kubelet, or a Prometheus that finds its targets by itself, calls a pod by its address; these answers hold
# no link.
PROBED = frozenset({"/health", "/health/ready", "/metrics"})


class HostNotAllowedError(ProblemError):
    code = "host_not_allowed"
    status = 400
    title = "The Host header is not one of ours"
    meaning = "Where ALLOWED_HOSTS names any, the service answers only to those, and to loopback."
    hint = "Call the service by its public name."


class AllowedHostsMiddleware:
    """`allowed`: names, or `*.example.org` for every name below; empty, or with `*`: any Host goes."""

    def __init__(self, app: ASGIApp, *, allowed: Sequence[str]) -> None:
        self.app = app
        names = [name.lower() for name in allowed]
        self.open = not names or "*" in names
        self.exact = LOOPBACK.union(names)
        self.suffixes = tuple(name[1:] for name in names if name.startswith("*."))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or self.open or scope["path"] in PROBED or self._allows(scope):
            await self.app(scope, receive, send)
            return
        await problem_response(scope, HostNotAllowedError())(scope, receive, send)

    def _allows(self, scope: Scope) -> bool:
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        name = host_name(hosts[0].decode("latin-1")) if len(hosts) == 1 else ""
        return name in self.exact or name.endswith(self.suffixes)


@lru_cache(HOSTS_REMEMBERED)
def host_name(header: str) -> str:
    """Without port and IPv6 brackets; empty where it cannot be read."""
    try:
        return (urlsplit(f"//{header}").hostname or "").rstrip(".")
    except ValueError:
        return ""
