"""What of a provider's JSON is believed, field by field."""

import pytest

from app.auth.oauth.identity import from_claims, read_email, read_name, read_subject
from app.auth.oauth.linking import username_from

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("verified", [False, None, "false", "True", "yes", 1, 1.0, [True], {}, "", 0])
def test_an_address_that_is_not_plainly_verified_is_none(verified: object) -> None:
    assert read_email("dora@example.org", verified=verified) is None


NO_ADDRESSES = (
    *(
        None,
        1,
        "",
        "dora",
        "dora@",
        "@example.org",
        "dora@example",
        "do ra@example.org",
        "dora@example.org\x00",
    ),
    *("İ@example.org", "dora@exämple.org", "dora@example.org,eve@example.org", "a" * 250 + "@example.org"),
    *('"dora"@example.org', "dora@[127.0.0.1]", "Dora <dora@example.org>", "dora@example.org\n"),
)


@pytest.mark.parametrize("address", NO_ADDRESSES)
def test_what_is_no_plain_address_is_none(address: object) -> None:
    assert read_email(address, verified=True) is None


@pytest.mark.parametrize("verified", [True, "true"])
def test_a_verified_address_is_read_in_lower_case(verified: object) -> None:
    assert read_email("Dora@Example.ORG", verified=verified) == "dora@example.org"


@pytest.mark.parametrize("subject", [None, "", True, 1.5, [], {}, "x" * 256, "é", "a\x00", "a\n", "\ud800"])
def test_what_is_no_subject_is_none(subject: object) -> None:
    assert read_subject(subject) is None


def test_a_subject_is_a_string_or_a_whole_number() -> None:
    assert (read_subject("Ab|1"), read_subject(7)) == ("Ab|1", "7")


@pytest.mark.parametrize("name", [None, 1, "", "   ", "\x00", "\ud800"])
def test_what_is_no_name_is_none(name: object) -> None:
    assert read_name(name) is None


def test_a_name_is_cut_and_cleaned() -> None:
    assert read_name(" Dörte\x00\x1b[31m\ud800 ") == "Dörte[31m"
    assert len(read_name("x" * 1000) or "") == 200


def test_claims_without_a_subject_are_nobody() -> None:
    assert (
        from_claims({"email": "dora@example.org", "email_verified": True}, issuer="i", proved_at=None) is None
    )


@pytest.mark.parametrize(
    ("wish", "name"),
    [
        ("Dora", "dora"),
        ("dora.the_explorer+tag", "dora-the_explorer-tag"),
        ("--dora--", "dora"),
        ("x" * 100, "x" * 40),
    ],
)
def test_a_wish_becomes_a_user_name(wish: str, name: str) -> None:
    assert username_from(wish) == name


@pytest.mark.parametrize("wish", ["", "d", "..", "Дора", "__"])
def test_a_wish_that_is_none_becomes_a_name_nobody_has(wish: str) -> None:
    first, second = username_from(wish), username_from(wish)
    assert first.startswith("user-")
    assert first != second
