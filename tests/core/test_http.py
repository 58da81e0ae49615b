import pytest
from starlette.datastructures import URL

from app.core.http import (
    accepts_html,
    client_address,
    client_network,
    link_header,
    matches_if_match,
    matches_if_none_match,
    preferred_wait,
    state_of,
    strong_etag,
    with_query,
)

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [
        (None, 0),
        ("", 0),
        ("wait", 0),
        ("wait=-1", 0),
        ("wait=x", 0),
        ("nowait=9", 0),
        ("wait=5", 5),
        ("wait=15", 15),
        ("wait=99999", 15),
        ('respond-async, Wait = "7"; foo', 7),
        ("return=minimal; wait=3", 3),
    ],
)
def test_wait_is_read_and_never_over_fifteen_seconds(prefer: str | None, seconds: int) -> None:
    assert preferred_wait(prefer) == seconds


@pytest.mark.parametrize("header", ['"1"', 'W/"1"', '"0", "1"', ' "0" ,W/"1" ', "*", '"a,b", "1"'])
def test_if_none_match_compares_weakly(header: str) -> None:
    assert matches_if_none_match(header, strong_etag(1))


@pytest.mark.parametrize("header", [None, "", "1", '"2"', '"11"', "**"])
def test_if_none_match_refuses_another_tag(header: str | None) -> None:
    assert not matches_if_none_match(header, strong_etag(1))


def test_if_none_match_star_does_not_match_what_does_not_exist() -> None:
    assert not matches_if_none_match("*", None)


@pytest.mark.parametrize("header", ['W/"1"', '"2"', "", "1"])
def test_if_match_refuses_weak_and_other_tags(header: str) -> None:
    assert not matches_if_match(header, strong_etag(1))


@pytest.mark.parametrize("header", [None, "*", '"1"', '"2", "1"'])
def test_if_match_accepts_the_same_tag(header: str | None) -> None:
    assert matches_if_match(header, strong_etag(1))


def test_if_match_fails_where_nothing_exists() -> None:
    assert not matches_if_match("*", None)


def test_link_header_names_each_relation() -> None:
    assert link_header({"next": "/a?x=1", "prev": "/b"}) == '</a?x=1>; rel="next", </b>; rel="prev"'


def test_query_parameter_is_replaced_and_the_others_are_kept() -> None:
    assert with_query("https://a/b?x=1&cursor=old", cursor="new/") == "https://a/b?x=1&cursor=new%2F"


@pytest.mark.parametrize(
    "query", ["", "a=&b=1&a=2", "cursor=o&q=x%20y+z", "q=%22a%22&&x", "t=%C3%A9", "a;b=1"]
)
def test_a_query_is_written_as_starlette_writes_it(query: str) -> None:
    url = f"https://a/b?{query}"
    assert with_query(url, cursor="n /") == str(URL(url).include_query_params(cursor="n /"))


@pytest.mark.parametrize(
    ("client", "network"),
    [
        (None, "unknown"),
        (("testclient", 1), "unknown"),
        (("192.0.2.7", 1), "192.0.2.7"),
        (("2001:db8:1:2:3:4:5:6", 1), "2001:db8:1:2::/64"),
        (("::ffff:192.0.2.7", 1), "192.0.2.7"),
    ],
)
def test_client_is_an_address_or_an_ipv6_network(client: tuple[str, int] | None, network: str) -> None:
    assert client_network(client) == network


@pytest.mark.parametrize(
    ("accept", "html"),
    [
        (None, False),
        ("*/*", False),
        ("application/json", False),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", True),
        ("text/html;q=0.5, application/json", False),
        ("text/html, application/json;q=0.5", True),
        ("text/html;q=0", False),
    ],
)
def test_html_is_for_those_who_ask_for_it(accept: str | None, html: bool) -> None:  # noqa: FBT001  # expected value
    assert accepts_html(accept) is html


def test_scope_without_state_has_an_empty_one() -> None:
    assert state_of({}) == {}


@pytest.mark.parametrize(
    ("client", "address"),
    [
        (None, None),
        (("testclient", 1), None),
        (("192.0.2.1", 1), "192.0.2.1"),
        (("2001:db8::1", 1), "2001:db8::1"),
    ],
)
def test_only_a_real_address_is_shown(client: tuple[str, int] | None, address: str | None) -> None:
    assert client_address(client) == address
