"""What a submitted URL may look like, and its one canonical spelling.

The API calls this at POST, so it imports nothing heavy; addresses are judged later, where the socket opens.
Sources: RFC 3986, RFC 5891 (IDNA 2008), and the WHATWG URL standard for hosts that browsers read as IPv4.
"""

import ipaddress
import re
import socket
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, unquote, urlsplit

import idna

HostPort = tuple[str, int]

MAX_URL_LENGTH = 2048
ALLOWED_PORTS = frozenset({80, 443, 8080, 8443})
DEFAULT_PORTS = {"http": 80, "https": 443}
TRACKING = re.compile(
    r"(utm_\w+|fbclid|gclid|gclsrc|dclid|gbraid|wbraid|msclkid|yclid|twclid|ttclid|igshid|igsh|li_fat_id"
    r"|mc_cid|mc_eid|mkt_tok|_hsenc|_hsmi|vero_id|oly_anon_id|oly_enc_id|wickedid|s_cid|__s|ref_src|ref_url"
    r"|cmpid|_ga|_gl)$",
    re.IGNORECASE,
)
# Control characters, spaces of any kind and the backslash: parsers disagree on them, and a disagreement
# between the check and the connection is how filters are bypassed. What is no character can be in no XML.
AMBIGUOUS = re.compile(
    r"[\x00-\x20\x7f-\xa0\\\u1680\u2000-\u200f\u2028-\u202f\u205f-\u2064\u3000\ufdd0-\ufdef\ufeff\ufffe\uffff]"
)
# Letters, digits, hyphens, and the underscore that real host names hold although RFC 952 never allowed it.
LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
LDH_NAME = re.compile(rf"(?=.{{1,253}}$){LABEL}(?:\.{LABEL})*")
ROOT_DOT = re.compile("[.\u3002\uff0e\uff61]$")
IPV4_LIKE = re.compile(r"(?:^|\.)(?:\d+|0x[0-9a-f]*)\.?$", re.IGNORECASE)
UNESCAPED_IN_PATH = "/:@!$&'()*+,;=-._~%"
STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
PERCENT_CODES = re.compile(r"((?:%[0-9A-Fa-f]{2})+)")
UNRESERVED = re.compile(r"[A-Za-z0-9\-._~]")


class InvalidUrlError(ValueError):
    """A fault of syntax. `code` is for machines; the text is public and never repeats the URL."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


@dataclass(frozen=True, slots=True)
class SubmittedUrl:
    """`host` is what goes into SNI and Host: lower-case ASCII, an IP literal without brackets."""

    submitted: str
    scheme: str
    host: str
    port: int
    target: str
    canonical_target: str

    @property
    def authority(self) -> str:
        """The value of the Host header."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == DEFAULT_PORTS[self.scheme] else f"{name}:{self.port}"

    @property
    def canonical(self) -> str:
        return f"{self.scheme}://{self.authority}{self.canonical_target}"

    @property
    def as_fetched(self) -> str:
        """Without the fragment, which never leaves the client; otherwise as submitted, tracking included."""
        return f"{self.scheme}://{self.authority}{self.target}"


def parse_submitted_url(url: str, *, allow_hosts: frozenset[HostPort] = frozenset()) -> SubmittedUrl:
    """Raise `InvalidUrlError` for whatever could not be a public web address, whoever answers there."""
    parts = _split(url)
    if parts.scheme not in DEFAULT_PORTS:
        raise InvalidUrlError("url_scheme", "The URL must begin with http:// or https://.")
    if "@" in parts.netloc:
        raise InvalidUrlError("url_userinfo", "The URL must not contain a user name or password.")
    port = _port(parts)
    host = _host(parts)
    if (host, port) not in allow_hosts:
        _refuse_unlikely_origin(host, port)
    parsed = SubmittedUrl(url, parts.scheme, host, port, _target(parts), _path_and_query(parts))
    if max(len(parsed.canonical), len(parsed.target)) > MAX_URL_LENGTH:
        raise InvalidUrlError(
            "url_length", f"The URL is longer than {MAX_URL_LENGTH} characters once encoded."
        )
    return parsed


def canonical_url(url: str, *, allow_hosts: frozenset[HostPort] = frozenset()) -> str:
    """The spelling under which two submissions count as the same page. Applying it twice changes nothing."""
    return parse_submitted_url(url, allow_hosts=allow_hosts).canonical


def _split(url: str) -> SplitResult:
    if len(url) > MAX_URL_LENGTH:
        raise InvalidUrlError("url_length", f"The URL is longer than {MAX_URL_LENGTH} characters.")
    if AMBIGUOUS.search(url):
        raise InvalidUrlError(
            "url_characters", "The URL contains a space, a backslash or a control character."
        )
    try:
        url.encode()
        return urlsplit(url)
    except ValueError as error:
        raise InvalidUrlError("url_syntax", "The URL cannot be parsed.") from error


def _port(parts: SplitResult) -> int:
    try:
        return parts.port if parts.port is not None else DEFAULT_PORTS[parts.scheme]
    except ValueError as error:
        raise InvalidUrlError("url_port", "The port must be a number.") from error


def _host(parts: SplitResult) -> str:
    raw = parts.hostname or ""
    if "%" in raw:
        raise InvalidUrlError("url_host", "The host name must not be percent-encoded or name a zone.")
    if not raw:
        raise InvalidUrlError("url_host", "The URL names no host.")
    if _is_ip(raw):
        return str(ipaddress.ip_address(raw))
    # A bracket promises an IPv6 literal; anything else in there is a trick (RFC 3986 3.2.2).
    if "[" in parts.netloc or "]" in parts.netloc:
        raise InvalidUrlError("url_host", "The IPv6 address is malformed.")
    return _ascii_name(raw)


def _ascii_name(raw: str) -> str:
    """Lower-case ASCII without the root's dot. A name that only looks like numbers becomes its IPv4."""
    host = ROOT_DOT.sub("", raw)
    if not LDH_NAME.fullmatch(host) or "xn--" in host:
        host = _to_ascii(host)
    # Judged after IDNA: full-width digits are plain ones only now, and must not slip past as a name.
    return _legacy_ipv4(host) if IPV4_LIKE.search(host) else host


def _to_ascii(host: str) -> str:
    try:
        ascii_host = idna.encode(host, uts46=True, std3_rules=True).decode("ascii").lower()
    except (idna.IDNAError, UnicodeError) as error:
        raise InvalidUrlError("url_host", "The host name is not a valid domain name.") from error
    if not LDH_NAME.fullmatch(ascii_host):
        raise InvalidUrlError("url_host", "The host name is not a valid domain name.")
    return ascii_host


def _legacy_ipv4(host: str) -> str:
    """Read 2130706433, 0x7f.1 and 0177.0.0.1 as the resolver would, so that the address check sees them."""
    try:
        return str(ipaddress.IPv4Address(socket.inet_aton(host)))
    except OSError as error:
        raise InvalidUrlError("url_host", "The host name is not a valid domain name or address.") from error


def _refuse_unlikely_origin(host: str, port: int) -> None:
    if port not in ALLOWED_PORTS:
        raise InvalidUrlError("url_port", "The port must be 80, 443, 8080 or 8443.")
    if "." not in host and not _is_ip(host):
        raise InvalidUrlError("url_host", "The host name has no dot: it is not a public name.")


def _is_ip(host: str) -> bool:
    # What is none is nearly always seen without an error that is raised and caught.
    if not (host[-1:].isdigit() or ":" in host):
        return False
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _target(parts: SplitResult) -> str:
    """The request line's target: everything but the fragment, in ASCII, otherwise as the user wrote it."""
    path = quote(STRAY_PERCENT.sub("%25", parts.path or "/"), safe=UNESCAPED_IN_PATH)
    query = quote(STRAY_PERCENT.sub("%25", parts.query), safe=UNESCAPED_IN_PATH + "?[]")
    return f"{path}?{query}" if query else path


def _path_and_query(parts: SplitResult) -> str:
    query = _without_tracking(parts.query)
    return f"{_path(parts.path)}?{query}" if query else _path(parts.path)


def _path(path: str) -> str:
    """RFC 3986 5.2.4 (dot segments) and 6.2.2 (one spelling of percent codes)."""
    kept: list[str] = []
    segments = [_respell(segment) for segment in path.split("/")[1:]]
    for segment in segments:
        if segment == "..":
            kept = kept[:-1]
        elif segment != ".":
            kept.append(segment)
    if segments and segments[-1] in {".", ".."}:
        kept.append("")
    return "/" + "/".join(kept)


def _respell(segment: str) -> str:
    """Decode what need not be encoded; %2F and other reserved codes stay: decoded they mean another thing."""
    return "".join(_respell_piece(piece) for piece in PERCENT_CODES.split(STRAY_PERCENT.sub("%25", segment)))


def _respell_piece(piece: str) -> str:
    if not piece.startswith("%"):
        return quote(piece, safe=UNESCAPED_IN_PATH)
    codes = (piece[at : at + 3].upper() for at in range(0, len(piece), 3))
    return "".join(char if UNRESERVED.fullmatch(char := unquote(code, "latin-1")) else code for code in codes)


def _without_tracking(query: str) -> str:
    if not query:
        return ""
    pairs = query.split("&")
    kept = [pair for pair in pairs if pair and not TRACKING.match(_parameter_name(pair))]
    return "&".join(quote(STRAY_PERCENT.sub("%25", pair), safe=UNESCAPED_IN_PATH + "?[]") for pair in kept)


def _parameter_name(pair: str) -> str:
    return unquote(pair.split("=", 1)[0])
