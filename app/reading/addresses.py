"""Which addresses may be fetched: our own table, because `ipaddress.is_global` is not a filter against SSRF.

It calls NAT64, 6to4 and multicast ranges global, and knows nothing of the clouds' metadata services.
Sources: IANA IPv4 and IPv6 Special-Purpose Address Registries, RFC 6052 (NAT64), RFC 3056 (6to4),
RFC 4380 (Teredo), RFC 2765 (SIIT), RFC 4291 (mapped and compatible).
"""

import re
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from pathlib import Path

Address = IPv4Address | IPv6Address

REFUSED_V4 = tuple(
    IPv4Network(net)
    for net in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT, and 100.100.100.200, Alibaba's metadata
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # Azure's wire server, in public space
        "169.254.0.0/16",  # link-local, and 169.254.169.254, most clouds' metadata
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # IETF protocols, and 192.0.0.192, Oracle's metadata
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/3",  # multicast, reserved, broadcast
    )
)
GLOBAL_V6 = IPv6Network("2000::/3")
REFUSED_V6 = tuple(
    IPv6Network(net)
    for net in (
        "2001::/23",  # IETF protocols, among them Teredo
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)
TRANSLATED_LOW_32_BITS = tuple(
    IPv6Network(net)
    for net in (
        "::/96",  # IPv4-compatible
        "::ffff:0:0/96",  # IPv4-mapped
        "::ffff:0:0:0/96",  # SIIT
        "64:ff9b::/96",  # NAT64
    )
)
TEREDO = IPv6Network("2001::/32")
SIX_TO_FOUR = IPv6Network("2002::/16")


def is_public(address: Address, *, own: frozenset[Address] = frozenset()) -> bool:
    """Whether a stranger's web server may stand there. `own`: this machine's and its services' addresses."""
    if address in own:
        return False
    if isinstance(address, IPv4Address):
        return not any(address in network for network in REFUSED_V4)
    inner = embedded_ipv4(address)
    if inner is not None:
        # Only a mapped address is a plain IPv4 connection. The other forms need a relay, which could deliver
        # into the operator's own network, and no public site is reached only through one.
        return address.ipv4_mapped is not None and is_public(inner, own=own)
    return address in GLOBAL_V6 and not any(address in network for network in REFUSED_V6)


def embedded_ipv4(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that a translator or tunnel would deliver to, if this is such an address."""
    number = int(address)
    if any(address in network for network in TRANSLATED_LOW_32_BITS):
        return IPv4Address(number & 0xFFFFFFFF)
    if address in SIX_TO_FOUR:
        return IPv4Address(number >> 80 & 0xFFFFFFFF)
    if address in TEREDO:
        return IPv4Address(~number & 0xFFFFFFFF)
    return None


def own_addresses(read: Callable[[str], str] | None = None) -> frozenset[Address]:
    """Addresses of this machine's interfaces, public ones too: a page there may be an internal service.

    Read from Linux's /proc; elsewhere the set is empty and the egress firewall has to hold.
    """
    source = read or read_table
    v4 = re.findall(r"\|-- ([0-9.]+)\n\s+/32 host LOCAL", source("/proc/net/fib_trie"))
    v6 = re.findall(r"^([0-9a-f]{32}) ", source("/proc/net/if_inet6"), re.MULTILINE)
    return frozenset({ip_address(text) for text in v4} | {IPv6Address(int(text, 16)) for text in v6})


def read_table(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii")
    except OSError:
        return ""  # another system, or IPv6 switched off
