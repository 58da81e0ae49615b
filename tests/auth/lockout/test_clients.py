"""Which device, which network; and that a device cookie cannot be made, borrowed or kept for ever."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from uuid import UUID

import pytest

from app.auth.lockout.clients import DeviceCookies, LoginClient, client_of

pytestmark = pytest.mark.unit

ALICE, BOB, DEVICE = UUID(int=1), UUID(int=2), UUID(int=3)
YEAR = 365 * 86_400
COOKIES = DeviceCookies.from_secret("a secret", clock=lambda: 1_800_000_000.0)
COOKIE = COOKIES.issue(ALICE, DEVICE)


@pytest.mark.parametrize(
    "cookie",
    [None, "", "x", "é", "====", "a" * 5000, COOKIE[:-1], COOKIE + "A", COOKIE[4:], "A" * len(COOKIE)],
)
def test_anything_but_a_cookie_of_ours_is_no_device(cookie: str | None) -> None:
    assert COOKIES.read(cookie, ALICE) is None


def test_every_flipped_bit_is_noticed() -> None:
    raw = bytearray(urlsafe_b64decode(COOKIE + "=" * (-len(COOKIE) % 4)))
    for position in range(len(raw)):
        changed = bytes(byte ^ (1 if at == position else 0) for at, byte in enumerate(raw))
        assert COOKIES.read(urlsafe_b64encode(changed).decode(), ALICE) is None


def test_a_cookie_is_of_one_user() -> None:
    assert COOKIES.read(COOKIE, BOB) is None


def test_another_secret_made_another_cookie() -> None:
    assert DeviceCookies.from_secret("another", clock=lambda: 1_800_000_000.0).read(COOKIE, ALICE) is None


@pytest.mark.parametrize(("age", "device"), [(0, DEVICE), (YEAR - 1, DEVICE), (YEAR, None)])
def test_a_cookie_is_good_for_a_year(age: int, device: UUID | None) -> None:
    later = DeviceCookies.from_secret("a secret", clock=lambda: 1_800_000_000.0 + age)
    assert later.read(COOKIE, ALICE) == device


def test_a_cookie_does_not_name_its_user() -> None:
    assert ALICE.bytes not in urlsafe_b64decode(COOKIE + "=" * (-len(COOKIE) % 4))


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("203.0.113.7", "network:203.0.113.0/24"),
        ("2001:db8:1:2:3:4:5:6", "network:2001:db8:1:2::/64"),
        (None, "network:unknown"),
    ],
)
def test_a_stranger_is_its_network(address: str | None, name: str) -> None:
    assert client_of(None, address) == LoginClient(name)
    assert client_of(None, address).is_stranger


def test_a_device_is_itself_wherever_it_is() -> None:
    assert client_of(DEVICE, "203.0.113.7") == client_of(DEVICE, None)
    assert not client_of(DEVICE, None).is_stranger
