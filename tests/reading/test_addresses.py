from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.reading.addresses import embedded_ipv4, is_public, own_addresses, read_table

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    "text",
    [
        # What ipaddress.is_global lets through, in one version of Python or another.
        "192.0.0.192",
        "168.63.129.16",
        "192.88.99.1",
        "224.0.0.1",
        "fec0::1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "2002:7f00:1::",
        "::7f00:1",
        "::ffff:0:7f00:1",
        "3fff::1",
        "5f00::1",
        "ff02::1",
        # Loopback, private, link-local, metadata, reserved.
        "0.0.0.0",  # noqa: S104  # never bound, only judged
        "10.1.2.3",
        "100.64.0.1",
        "100.100.100.200",
        "127.0.0.1",
        "127.255.255.254",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.2.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.7",
        "203.0.113.7",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:10.0.0.1",
        "fe80::1",
        "fc00::1",
        "fd00:ec2::254",
        "100::1",
        "2001:db8::1",
        "2001::1",
        "2001:0:5ef5:79fd:0:59d:80ff:fffe",
        "2001:10::1",
        "2002:c0a8:101::1",
        "2002:808:808::1",
        "64:ff9b::808:808",
        "4000::1",
        "fe80::1%eth0",
    ],
)
def test_an_address_that_is_not_a_public_server_is_refused(text: str) -> None:
    assert not is_public(ip_address(text))


@pytest.mark.parametrize(
    "text",
    [
        "1.1.1.1",
        "8.8.8.8",
        "100.128.0.1",
        "172.15.255.255",
        "172.32.0.0",
        "223.255.255.255",
        "2606:4700::1111",
        "2a00:1450:4001::1",
        "2001:4860:4860::8888",
        "::ffff:8.8.8.8",
    ],
)
def test_public_addresses_are_allowed(text: str) -> None:
    assert is_public(ip_address(text))


@pytest.mark.parametrize(
    ("text", "inner"),
    [
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("::10.0.0.1", "10.0.0.1"),
        ("::ffff:0:10.0.0.1", "10.0.0.1"),
        ("64:ff9b::10.0.0.1", "10.0.0.1"),
        ("2002:a00:1::", "10.0.0.1"),
        ("2001:0:4136:e378:8000:63bf:f5ff:fffe", "10.0.0.1"),
    ],
)
def test_tunnels_and_translations_are_decoded(text: str, inner: str) -> None:
    assert embedded_ipv4(IPv6Address(text)) == IPv4Address(inner)


@given(st.ip_addresses(v=4))
def test_no_tunnel_reaches_an_address_refused_directly(inner: IPv4Address) -> None:
    mapped = IPv6Address((0xFFFF << 32) | int(inner))
    assert is_public(mapped) == is_public(inner)


def test_this_machines_own_public_address_is_refused() -> None:
    own = frozenset({ip_address("8.8.8.8"), ip_address("2606:4700::1")})
    assert not is_public(ip_address("8.8.8.8"), own=own)
    assert not is_public(ip_address("::ffff:8.8.8.8"), own=own)
    assert not is_public(ip_address("2606:4700::1"), own=own)
    assert is_public(ip_address("8.8.4.4"), own=own)


def test_own_addresses_are_read_from_the_kernels_tables() -> None:
    tables = {
        "/proc/net/fib_trie": "Main:\n  +-- 8.8.8.0/24\n     |-- 8.8.8.0\n        /24 link UNICAST\n"
        "     |-- 8.8.8.8\n        /32 host LOCAL\n     |-- 8.8.8.255\n        /32 link BROADCAST\n",
        "/proc/net/if_inet6": "26064700000000000000000000000001 02 40 00 80 eth0\n",
    }
    assert own_addresses(tables.__getitem__) == {ip_address("8.8.8.8"), ip_address("2606:4700::1")}


def test_own_addresses_of_this_machine_hold_its_loopback() -> None:
    assert ip_address("127.0.0.1") in own_addresses()


def test_a_system_without_those_tables_knows_no_own_addresses(tmp_path: Path) -> None:
    assert read_table(str(tmp_path / "absent")) == ""


def test_missing_kernel_tables_leave_the_set_empty() -> None:
    assert own_addresses(lambda _path: "") == frozenset()
