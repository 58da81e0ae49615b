"""The methods of a resource, for the Allow header (RFC 9110, section 10.2.1).

The router names those of the first matching route only; where GET is one route and DELETE another, that lies.
"""

from fastapi.routing import RouteContext, iter_route_contexts
from starlette.routing import Match
from starlette.types import Scope


def allowed_methods(scope: Scope) -> str:
    """Comma separated, sorted; empty where no route has this path. HEAD is wherever GET is."""
    contexts = iter_route_contexts(scope["app"].routes)
    methods = {method for context in contexts for method in _methods_at(context, scope)}
    return ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set())))


def _methods_at(context: RouteContext, scope: Scope) -> set[str]:
    """A partial match is the right path by the wrong method."""
    methods = context.methods or set()
    return methods if methods and context.matches(scope)[0] is not Match.NONE else set()
