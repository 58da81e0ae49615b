"""The address that a page says it should be known by (`<link rel="canonical">`, RFC 6596)."""

import re
from html import unescape
from urllib.parse import urljoin, urlsplit

from app.reading.urls import DEFAULT_PORTS, InvalidUrlError, SubmittedUrl, parse_submitted_url

# Where a page declares it; what comes later is its text, which others may have written (comments).
HEAD_END = re.compile(r"</head\s*>|<body\b", re.IGNORECASE)
LONGEST_HEAD = 100_000
COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
LINK = re.compile(r"<link\b([^>]{0,1500})>", re.IGNORECASE)
ATTRIBUTE = re.compile(r"([a-z-]{1,20})\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))", re.IGNORECASE)


def claimed_address(html: str, page_url: str | None) -> str | None:
    """Its canonical spelling; None unless the page names one address, on the very host it came from.

    A page could otherwise pass for any other: its own host it may speak for, a neighbour on the same domain
    it may not, as tenants of one hosting service are. `www.` makes no difference. That every page is the
    start page is a frequent mistake, and would make all of them one.
    """
    claims = set(_claims(html))
    if len(claims) != 1 or page_url is None:
        return None
    try:
        page = parse_fetched_url(page_url)
        claimed = parse_fetched_url(urljoin(page.as_fetched, claims.pop()), like=page)
    except ValueError:
        return None
    if _origin(claimed) != _origin(page) or (claimed.canonical_target == "/" != page.canonical_target):
        return None
    return claimed.canonical


def parse_fetched_url(url: str, *, like: SubmittedUrl | None = None) -> SubmittedUrl:
    """Of an address that was fetched, its unusual host or port allowed; or of one `like` it."""
    if like is not None:
        return parse_submitted_url(url, allow_hosts=frozenset({(like.host, like.port)}))
    parts = urlsplit(url)
    if parts.scheme not in DEFAULT_PORTS:
        raise InvalidUrlError("url_scheme", "The URL must begin with http:// or https://.")
    port = parts.port or DEFAULT_PORTS[parts.scheme]
    return parse_submitted_url(url, allow_hosts=frozenset({(parts.hostname or "", port)}))


def _claims(html: str) -> list[str]:
    end = HEAD_END.search(html, 0, LONGEST_HEAD)
    head = COMMENT.sub("", html[: end.start() if end else LONGEST_HEAD])
    links = [_attributes(link.group(1)) for link in LINK.finditer(head)]
    return [
        link["href"]
        for link in links
        if "canonical" in link.get("rel", "").lower().split() and link.get("href")
    ]


def _attributes(link: str) -> dict[str, str]:
    """The first of each name, as browsers take it."""
    found: dict[str, str] = {}
    for name, *values in ATTRIBUTE.findall(link):
        found.setdefault(name.lower(), unescape("".join(values)).strip())
    return found


def _origin(url: SubmittedUrl) -> tuple[str, int | None]:
    """Http and https of one host are one site, as long as each is at its usual port."""
    port = None if url.port == DEFAULT_PORTS[url.scheme] else url.port
    return url.host.removeprefix("www."), port
