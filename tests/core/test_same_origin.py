"""Origins, as browsers write them."""

import pytest
from starlette.requests import HTTPConnection

from app.core.same_origin import CrossSiteRequestError, check_same_origin, origin_of
from tests.core.small_app import small_app, small_settings

pytestmark = pytest.mark.unit
PUBLIC = "https://api.example:443/base"


def connection(*headers: tuple[str, str], host: str = "10.0.0.1:8000") -> HTTPConnection:
    app = small_app(small_settings(public_url=PUBLIC))
    raw = [(name.encode(), value.encode()) for name, value in (("host", host), *headers)]
    return HTTPConnection({"type": "http", "scheme": "http", "headers": raw, "app": app})


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://API.Example:443/base/", "https://api.example"),
        ("https://api.example:8443", "https://api.example:8443"),
        ("http://api.example:80", "http://api.example"),
        ("http://api.example:443", "http://api.example:443"),
        ("http://[::1]:8000/", "http://[::1]:8000"),
    ],
)
def test_an_origin_has_no_path_and_no_default_port(url: str, origin: str) -> None:
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    "headers",
    [
        [("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")],
        [("origin", "https://api.example"), ("origin", "https://evil.example")],
        [("origin", "https://10.0.0.1:8000")],
        [("origin", "")],
    ],
)
def test_what_is_said_twice_or_wrong_is_not_believed(headers: list[tuple[str, str]]) -> None:
    with pytest.raises(CrossSiteRequestError):
        check_same_origin(connection(*headers))


@pytest.mark.parametrize("origin", ["https://api.example", "http://10.0.0.1:8000"])
def test_the_public_and_the_asked_origin_are_ours(origin: str) -> None:
    check_same_origin(connection(("origin", origin)))


def test_where_the_browser_judges_the_origin_is_not_asked() -> None:
    with pytest.raises(CrossSiteRequestError):
        check_same_origin(connection(("sec-fetch-site", "same-site"), ("origin", "https://api.example")))
    check_same_origin(connection(("sec-fetch-site", "same-origin")))
