"""rel=canonical: a page may name its own address, and nobody else's."""

import time

import pytest

from app.reading.article import RawDocument
from app.reading.canonical import claimed_address
from app.reading.extract import extract

pytestmark = pytest.mark.unit
PAGE = "https://www.example.com/a/b?utm_source=x&id=1"


def page(*hrefs: str, after: str = "") -> str:
    links = "".join(f'<link href="{href}" rel="canonical">' for href in hrefs)
    return f"<html><head><title>t</title>{links}</head><body>{after}<p>Rain fell.</body></html>"


@pytest.mark.parametrize(
    "href",
    [
        "https://victim.example/a",
        "//victim.example/a",
        "https://blog.example.com/a",
        "https://com/a",
        "https://www.example.com.victim.example/",
        "https://www.example.com@victim.example/a",
        "https://www.example.com:8443/a",
        "https://www.example.com:99/a",
        "https://127.0.0.1/a",
        "javascript:alert(1)",
        "https://[::1",
        "/" + "a" * 3000,
        "https://www.example.com/",
        "",
    ],
)
def test_claim_that_is_not_the_pages_own_counts_for_nothing(href: str) -> None:
    assert claimed_address(page(href), PAGE) is None


@pytest.mark.parametrize(
    ("href", "address"),
    [
        ("/a?id=1", "https://www.example.com/a?id=1"),
        ("b2", "https://www.example.com/a/b2"),
        ("https://example.com/a", "https://example.com/a"),
        ("http://www.example.com/a", "http://www.example.com/a"),
        ("HTTPS://WWW.Example.COM:443/a/./b#top", "https://www.example.com/a/b"),
        ("https://www.example.com/a?x=1&amp;utm_medium=y", "https://www.example.com/a?x=1"),
    ],
)
def test_page_names_its_own_address(href: str, address: str) -> None:
    assert claimed_address(page(href), PAGE) == address


def test_start_page_may_be_the_start_page() -> None:
    assert claimed_address(page("/"), "https://www.example.com/?ref=1") is None
    assert claimed_address(page("/"), "https://www.example.com/?utm_source=1") == "https://www.example.com/"


def test_page_that_contradicts_itself_names_nothing() -> None:
    assert claimed_address(page("/a", "/b"), PAGE) is None
    assert claimed_address(page("/a", "/a"), PAGE) == "https://www.example.com/a"


@pytest.mark.parametrize(
    "html",
    [
        page(after='<link rel="canonical" href="/evil">'),
        '<head><!-- <link rel="canonical" href="/evil"> --></head>',
        '<head><link rel="alternate" href="/evil"><link rel="canonical"></head>',
        "<head><!-- <link rel=canonical href=/evil>",
        "",
    ],
)
def test_what_readers_or_templates_wrote_is_no_claim(html: str) -> None:
    assert claimed_address(html, PAGE) is None


def test_html_of_no_address_has_none() -> None:
    assert claimed_address(page("https://example.com/a"), None) is None
    assert claimed_address(page("https://example.com/a"), "ftp://example.com/") is None


def test_test_site_on_its_own_port_may_speak_for_itself() -> None:
    assert claimed_address(page("/a"), "http://127.0.0.1:4999/b") == "http://127.0.0.1:4999/a"


@pytest.mark.parametrize(
    "head",
    ["<link " * 30_000, "<!--" * 30_000, "<link " + "a =" * 40_000, "<link rel=canonical href='" * 5_000],
)
def test_hostile_heads_cost_little(head: str) -> None:
    began = time.process_time()
    assert claimed_address(head, PAGE) is None
    assert time.process_time() - began < 2


def test_extraction_tells_the_claim_and_never_a_guess() -> None:
    text = "<p>Rain fell on the town and the river rose in the night, higher than ever before.</p>" * 5
    for head, address in ((page("/a", after=text), "https://www.example.com/a"), (page(after=text), None)):
        article = extract(RawDocument(head.encode(), "text/html", url=PAGE))
        assert article.canonical_url == address
