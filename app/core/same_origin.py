"""Whether a page of ours sent a request, by what only the browser itself can say (decision 0016).

A form on any other site can make a browser send its cookies, or log it in to somebody else's account.
SameSite keeps cookies from other sites, but not from a sibling subdomain; these headers no script can set.
"""

from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from app.core.errors import ProblemError

# RFC 9110, section 9.2.1: these change nothing, so that sending one for somebody gains nothing.
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
DEFAULT_PORTS = {"http": ":80", "https": ":443"}


class CrossSiteRequestError(ProblemError):
    code = "cross_site_request"
    status = 403
    title = "The request was not sent by a page of this service"
    meaning = "With cookies only our own pages may write, and neither Sec-Fetch-Site nor Origin says so."
    hint = "Programs send Authorization: Bearer <access token> instead of cookies."


def check_same_origin(connection: HTTPConnection) -> None:
    """Sec-Fetch-Site where the browser sends it; else Origin, which all send with a POST.

    Raises CrossSiteRequestError.
    """
    sites = connection.headers.getlist("sec-fetch-site")
    if sites:
        is_ours = sites == ["same-origin"]
    else:
        origins = connection.headers.getlist("origin")
        is_ours = len(origins) == 1 and origins[0] in own_origins(connection)
    if not is_ours:
        raise CrossSiteRequestError


async def require_same_origin(connection: HTTPConnection) -> None:
    """The same, for a route's line: what is no coroutine there goes to a thread and back."""
    check_same_origin(connection)


def own_origins(connection: HTTPConnection) -> set[str]:
    """The public one, and the one that was asked: a browser keeps cookies apart by that host."""
    asked = f"{connection.scope['scheme']}://{connection.headers.get('host', '')}"
    return {origin_of(connection.app.state.settings.base_url), origin_of(asked)}


def origin_of(url: str) -> str:
    """As browsers write it (RFC 6454, section 6.2): no path, no default port."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.lower().removesuffix(DEFAULT_PORTS.get(parts.scheme, ':'))}"
