import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.reading.urls import InvalidUrlError, canonical_url, parse_submitted_url

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("ftp://example.com/", "url_scheme"),
        ("//example.com/", "url_scheme"),
        ("javascript:alert(1)", "url_scheme"),
        ("file:///etc/passwd", "url_scheme"),
        ("http://user@example.com/", "url_userinfo"),
        ("http://user:secret@example.com/", "url_userinfo"),
        ("http://example.com/" + "a" * 2048, "url_length"),
        ("http://example.com/" + "\u65e5" * 1000, "url_length"),
        ("http://example.com:22/", "url_port"),
        ("http://example.com:0/", "url_port"),
        ("http://example.com:99999/", "url_port"),
        ("http://example.com:eighty/", "url_port"),
        ("http://exam ple.com/", "url_characters"),
        ("http://example.com/a\nb", "url_characters"),
        ("http://example.com\\@evil.test/", "url_characters"),
        ("http://example.com/\u200b", "url_characters"),
        ("http://example.com/\ufffe", "url_characters"),
        ("http://example.com/a?b=\uffff", "url_characters"),
        ("http://example.com/#\ufdd0", "url_characters"),
        ("http://example.com/\ud800", "url_syntax"),
        ("http://[::1/", "url_syntax"),
        ("http://[fe80::1%25eth0]/", "url_host"),
        ("http:///path", "url_host"),
        ("http:example.com", "url_host"),
        ("http://localhost/", "url_host"),
        ("http://exa%6dple.com/", "url_host"),
        ("http://a..example.com/", "url_host"),
        ("http://example.com../", "url_host"),
        ("http://-example.com/", "url_host"),
        ("http://" + "a" * 64 + ".com/", "url_host"),
        ("http://xn--a.example/", "url_host"),
        ("http://ex\u2260mple.com/", "url_host"),
        ("http://256.256.256.256/", "url_host"),
        ("http://1.2.3.4.5/", "url_host"),
    ],
)
def test_faults_of_syntax_are_refused_with_their_code(url: str, code: str) -> None:
    with pytest.raises(InvalidUrlError) as refused:
        parse_submitted_url(url)
    assert refused.value.code == code


def test_a_refusal_never_repeats_the_credentials() -> None:
    with pytest.raises(InvalidUrlError) as refused:
        parse_submitted_url("http://user:hunter2@example.com/")
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        ("HTTP://ExAmple.COM:80/a/../b/./c?utm_source=x&b=2#part", "http://example.com/b/c?b=2"),
        ("https://example.com", "https://example.com/"),
        ("https://example.com:443/", "https://example.com/"),
        ("https://example.com:8443/", "https://example.com:8443/"),
        ("https://example.com./", "https://example.com/"),
        ("https://b\u00fccher.example/\u00e4?q=\u00fc", "https://xn--bcher-kva.example/%C3%A4?q=%C3%BC"),
        ("https://\u65e5\u672c\u3002jp/", "https://xn--wgv71a.jp/"),
        ("https://a_b.example.com/", "https://a_b.example.com/"),
        ("https://example.com/%7euser/%2fx%2Fy/%61", "https://example.com/~user/%2Fx%2Fy/a"),
        ("https://example.com/100%/x?a=50%", "https://example.com/100%25/x?a=50%25"),
        ("https://example.com/?fbclid=1&id=7&GCLID=2&id=8", "https://example.com/?id=7&id=8"),
        ("https://example.com/a/b/..", "https://example.com/a/"),
        ("https://example.com/../../a", "https://example.com/a"),
        ("https://example.com/%2e%2e/a", "https://example.com/a"),
        ("http://[2001:DB8::1]:8080/", "http://[2001:db8::1]:8080/"),
    ],
)
def test_equal_pages_get_one_spelling(url: str, canonical: str) -> None:
    assert canonical_url(url) == canonical
    assert canonical_url(canonical) == canonical


@pytest.mark.parametrize(
    "url",
    [
        "http://2130706433/",
        "http://0x7f.1/",
        "http://0177.0.0.1/",
        "http://127.1/",
        "http://\uff11\uff12\uff17.0.0.1/",
        "http://127.0.0.1./",
    ],
)
def test_every_spelling_of_an_ipv4_address_is_read_as_that_address(url: str) -> None:
    assert parse_submitted_url(url).host == "127.0.0.1"


def test_an_allow_listed_origin_may_have_any_port_and_no_dot() -> None:
    allowed = frozenset({("localhost", 9999)})
    assert parse_submitted_url("http://localhost:9999/x", allow_hosts=allowed).port == 9999
    with pytest.raises(InvalidUrlError):
        parse_submitted_url("http://localhost:9998/x", allow_hosts=allowed)


def test_the_submitted_spelling_and_the_request_target_are_kept() -> None:
    parsed = parse_submitted_url("https://example.com/a?utm_source=x#part")
    assert parsed.submitted == "https://example.com/a?utm_source=x#part"
    assert parsed.target == "/a?utm_source=x"


@given(st.text(max_size=200))
def test_any_text_is_either_a_url_or_refused(text: str) -> None:
    for url in (text, f"http://{text}", f"https://example.com/{text}", f"http://example.com:{text}/"):
        with contextlib.suppress(InvalidUrlError):
            canonical = canonical_url(url)
            assert canonical.isascii()
            assert canonical_url(canonical) == canonical


@given(st.from_regex(r"https?://[a-z0-9.\-\[\]:%@#?/\\]{1,40}", fullmatch=True))
def test_a_parsed_host_is_plain_ascii_without_delimiters(url: str) -> None:
    with contextlib.suppress(InvalidUrlError):
        parsed = parse_submitted_url(url)
        assert not set(parsed.host) & set("@/\\?#[]% ")
        assert parsed.target.isascii()
        assert parsed.target.startswith("/")
