"""A session's device and network as its owner knows them again."""

from ipaddress import ip_address

import pytest

from app.auth.own_sessions.devices import address_prefix, describe_device

pytestmark = pytest.mark.unit

CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0"


@pytest.mark.parametrize("user_agent", [None, "", " ", "\u00e9\u00e8", "<script>alert(1)</script>"])
def test_what_says_nothing_of_itself_is_unknown(user_agent: str | None) -> None:
    assert describe_device(user_agent) == "Unknown device"


@pytest.mark.parametrize(
    ("user_agent", "device"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0", "Firefox on Linux"),
        (f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Safari/537.36", "Chrome on Windows"),
        (f"Mozilla/5.0 (Windows NT 10.0) {CHROME} Safari/537.36 Edg/126.0", "Edge on Windows"),
        (f"Mozilla/5.0 (Linux; Android 14) {CHROME} Mobile Safari/537.36", "Chrome on Android"),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Version/17.5 Safari/604.1",
            "Safari on iPhone",
        ),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) Version/17.5 Safari/605.1.15", "Safari on macOS"),
        ("Firefox/127.0", "Firefox"),
        ("curl/8.5.0", "curl/8.5.0"),
        ("python-httpx2/2.16 (Linux)", "python-httpx2/2.16"),
        ("x" * 300, "x" * 40),
    ],
)
def test_a_device_is_named_by_what_its_owner_calls_it(user_agent: str, device: str) -> None:
    assert describe_device(user_agent) == device


@pytest.mark.parametrize(
    ("address", "prefix"),
    [
        (None, None),
        ("203.0.113.77", "203.0.113.0/24"),
        (ip_address("203.0.113.77"), "203.0.113.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
    ],
)
def test_an_address_is_shown_by_its_network_only(address: object, prefix: str | None) -> None:
    assert address_prefix(address) == prefix
