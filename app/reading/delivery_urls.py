"""Where we may send something: as what we may fetch, and encrypted."""

from app.reading.urls import HostPort, InvalidUrlError, SubmittedUrl, parse_submitted_url


def parse_delivery_url(url: str, *, allow_hosts: frozenset[HostPort] = frozenset()) -> SubmittedUrl:
    """Raise `InvalidUrlError`. Plain http only for FETCH_ALLOW_HOSTS, which production refuses."""
    parsed = parse_submitted_url(url, allow_hosts=allow_hosts)
    if parsed.scheme != "https" and (parsed.host, parsed.port) not in allow_hosts:
        raise InvalidUrlError("url_scheme", "The URL must begin with https://.")
    return parsed
