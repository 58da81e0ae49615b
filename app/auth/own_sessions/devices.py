"""A session's device and network as its owner knows them again, and no more than that."""

import re
from ipaddress import ip_address, ip_network

UNKNOWN_DEVICE = "Unknown device"
IPV4_PREFIX, IPV6_PREFIX = 24, 64

# The first that is found: Edge and Opera also say Chrome, Chrome also says Safari, iPhones also say Mac OS X.
BROWSERS = {"Edg": "Edge", "OPR/": "Opera", "Firefox/": "Firefox", "Chrome/": "Chrome", "Safari/": "Safari"}
SYSTEMS = {
    "Windows": "Windows",
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Mac OS X": "macOS",
    "CrOS": "ChromeOS",
    "Linux": "Linux",
}
_PRODUCT = re.compile(r"[\w.-]{1,40}(?:/[\w.-]{1,20})?", re.ASCII)


def describe_device(user_agent: str | None) -> str:
    """`Firefox on Linux` of a browser, `curl/8.5.0` of a program."""
    text = user_agent or ""
    browser, system = _first(BROWSERS, text), _first(SYSTEMS, text)
    if browser and system:
        return f"{browser} on {system}"
    product = _PRODUCT.match(text)
    return browser or (product.group() if product else UNKNOWN_DEVICE)


def address_prefix(address: object) -> str | None:
    """The network that an address lies in: enough to tell one's home from another country."""
    if address is None:
        return None
    known = ip_address(str(address))
    prefix = IPV4_PREFIX if known.version == 4 else IPV6_PREFIX  # noqa: PLR2004  # IPv4
    return str(ip_network((known, prefix), strict=False))


def _first(names: dict[str, str], text: str) -> str | None:
    return next((name for mark, name in names.items() if mark in text), None)
