import pytest

from app.core.redaction import redact_text
from app.core.secret_links import ShownLinks, digest, is_feed_token, is_link_name, new_feed_token, new_nonce
from app.core.sentry import scrub

pytestmark = pytest.mark.unit

LINKS = ShownLinks.from_secret("a secret")


def test_a_link_is_long_and_fits_into_an_address() -> None:
    name = LINKS.name(new_nonce())
    assert is_link_name(name)
    assert len(name) == 32


def test_a_nonce_alone_does_not_make_the_link() -> None:
    nonce = new_nonce()
    assert ShownLinks.from_secret("another").name(nonce) != LINKS.name(nonce)


def test_a_link_is_shown_again_only_while_it_is_the_one_that_is_looked_up() -> None:
    nonce = new_nonce()
    name = LINKS.name(nonce)
    assert LINKS.shown(nonce, stored=digest(name)) == name
    assert ShownLinks.from_secret("another").shown(nonce, stored=digest(name)) is None


@pytest.mark.parametrize("text", ["", "a" * 31, "a" * 33, "a" * 31 + "\n", "a" * 31 + "é", "../" * 11])
def test_what_no_link_looks_like_is_none(text: str) -> None:
    assert not is_link_name(text)


def test_no_two_feeds_have_one_token() -> None:
    tokens = {new_feed_token() for _ in range(100)}
    assert len(tokens) == 100
    assert all(map(is_feed_token, tokens))


@pytest.mark.parametrize("text", ["", "prc_feed_", "prc_live_" + "a" * 32, "prc_feed_" + "a" * 33])
def test_what_no_feed_token_looks_like_is_none(text: str) -> None:
    assert not is_feed_token(text)


def test_logs_and_reports_hold_neither() -> None:
    name, token = LINKS.name(new_nonce()), new_feed_token()
    line = redact_text(f"GET http://x/s/{name}/more and /feeds/{token}/atom.xml failed, /s/short")
    assert line == "GET http://x/s/[redacted]/more and /feeds/[redacted]/atom.xml failed, /s/short"


def test_an_error_report_names_neither() -> None:
    name, token = LINKS.name(new_nonce()), new_feed_token()
    for path in (f"/s/{name}", f"/feeds/{token}/feed.json"):
        event = scrub({"request": {"method": "GET", "url": f"https://precis.example{path}"}}, {})
        assert name not in str(event)
        assert token not in str(event)
