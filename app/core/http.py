"""HTTP's own grammar, read once: preferences, entity tags, links, addresses."""

import re
from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any
from urllib.parse import parse_qsl, urlencode

MAX_WAIT_SECONDS = 15
# Of a header that a route reads: a longer one is refused with 422.
MAX_HEADER_LENGTH = 1000
# Any caller of a /64 owns 2^64 addresses: counting single ones would count nothing.
IPV6_CLIENT_PREFIX = 64
UNKNOWN_ADDRESS = "unknown"

_WAIT = re.compile(r'(?:^|[,;])\s*wait\s*=\s*"?(\d{1,9})"?\s*(?=$|[,;])', re.IGNORECASE)
_ETAG = re.compile(r'\s*(W/)?"([\x21\x23-\x7e\x80-\xff]*)"\s*(?:,|$)')


def preferred_wait(prefer: str | None) -> int:
    """Seconds of `Prefer: wait=N` (RFC 7240, section 4.3), at most 15; 0 where absent or unreadable."""
    found = _WAIT.search(prefer or "")
    return min(int(found.group(1)), MAX_WAIT_SECONDS) if found else 0


def strong_etag(version: object) -> str:
    """A strong entity tag; `version` changes whenever any byte of the representation does."""
    return f'"{version}"'


def matches_if_none_match(header: str | None, etag: str | None) -> bool:
    """True: answer 304 (a read) or 412 (a write). Weak comparison (RFC 9110, section 13.1.2)."""
    if header is None or etag is None:
        return False
    # Nearly always it is the one tag that we sent.
    return header == etag or header.strip() == "*" or _opaque(etag) in {tag for _, tag in _tags(header)}


def matches_if_match(header: str | None, etag: str | None) -> bool:
    """False: answer 412. Strong comparison (RFC 9110, section 13.1.1); `etag` None: no such resource."""
    if header is None:
        return True
    if etag is None:
        return False
    return header.strip() == "*" or (False, _opaque(etag)) in _tags(header)


def _opaque(etag: str) -> str:
    return etag.removeprefix("W/").strip('"')


def _tags(header: str) -> list[tuple[bool, str]]:
    """(is weak, opaque tag) of each; GZip and proxies weaken ours, which If-None-Match still accepts."""
    return [(bool(weak), tag) for weak, tag in _ETAG.findall(header)]


def link_header(relations: Mapping[str, str]) -> str:
    """`{"next": url}` as a Link header's value (RFC 8288)."""
    return ", ".join(f'<{url}>; rel="{relation}"' for relation, url in relations.items())


def with_query(url: str, **parameters: str | int) -> str:
    """The same address with these query parameters set, the others kept."""
    address, _, query = url.partition("?")
    kept = [pair for pair in parse_qsl(query, keep_blank_values=True) if pair[0] not in parameters]
    return f"{address}?{urlencode([*kept, *parameters.items()])}"


def client_network(client: tuple[str, int] | None) -> str:
    """Who counts as one client: `scope["client"]` as an IPv4 address, or as the IPv6 /64 it lies in."""
    if client is None:
        return UNKNOWN_ADDRESS
    address = _parse(client[0])
    if isinstance(address, IPv6Address):
        return str(IPv6Network((address, IPV6_CLIENT_PREFIX), strict=False))
    return str(address) if address else UNKNOWN_ADDRESS


def client_address(client: tuple[str, int] | None) -> str | None:
    """The one address, for its owner to see; None where the peer has none (a socket file, a test client)."""
    return _written(client[0]) if client else None


@lru_cache(maxsize=4096)
def _written(host: str) -> str | None:
    address = _parse(host)
    return str(address) if address else None


@lru_cache(maxsize=4096)
def _parse(host: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(host)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def accepts_html(accept: str | None) -> bool:
    """Whether HTML is wanted more than JSON: browsers name it, command line clients send `*/*` or nothing."""
    weights = _weights(accept or "")
    html = max(weights.get("text/html", 0.0), weights.get("application/xhtml+xml", 0.0))
    json = max(weights.get(name, 0.0) for name in ("application/json", "application/problem+json"))
    return html > json


def _weights(accept: str) -> dict[str, float]:
    return dict(_weighted(part) for part in accept.split(","))


def _weighted(part: str) -> tuple[str, float]:
    name, _, parameters = part.partition(";")
    found = re.search(r"q=([01](?:\.\d{0,3})?)", parameters)
    return name.strip().lower(), float(found.group(1)) if found else 1.0


def state_of(scope: Mapping[str, Any]) -> dict[str, Any]:  # Any: ASGI's own type of a scope's values
    """The request's `request.state` as a mapping; empty before anything was kept there."""
    state: dict[str, Any] = scope.get("state", {})  # Any: as above
    return state
