import pytest

from app.reading.errors import ReadingError, Reason
from app.reading.fetch import Fetched, Fetcher, FetcherOptions
from app.reading.transport import FetchLimits
from tests.reading.certificates import Authority
from tests.reading.names import FixedNames
from tests.reading.origin import PAGE, Origin, serve, serve_refusals

pytestmark = pytest.mark.unit

AUTHORITY = Authority()
QUICK = FetchLimits(total_seconds=3.0, connect_seconds=1.0)
NAMES = FixedNames({"site.example": [["127.0.0.1"]], "other.example": [["127.0.0.1"]]})


async def fetch(origin: Origin, host: str, path: str, *, scheme: str = "https") -> Fetched:
    allowed = frozenset({(host, origin.port)})
    options = FetcherOptions("PrecisTest/1.0", limits=QUICK, allow_hosts=allowed)
    fetcher = Fetcher(NAMES, options, ssl_context=AUTHORITY.client())
    return await fetcher.fetch(f"{scheme}://{host}:{origin.port}{path}")


async def test_a_certificate_for_another_name_is_tls() -> None:
    async with serve(tls=AUTHORITY.server("site.example")) as origin:
        with pytest.raises(ReadingError) as failed:
            await fetch(origin, "other.example", "/page")
    assert failed.value.reason is Reason.TLS
    assert not origin.requests


async def test_a_certificate_of_an_unknown_authority_is_tls() -> None:
    async with serve(tls=Authority().server("site.example")) as origin:
        with pytest.raises(ReadingError) as failed:
            await fetch(origin, "site.example", "/page")
    assert failed.value.reason is Reason.TLS


async def test_a_server_that_speaks_no_tls_is_tls() -> None:
    async with serve_refusals(b"HTTP/1.1 400 Bad Request\r\n\r\n") as origin:
        with pytest.raises(ReadingError) as failed:
            await fetch(origin, "site.example", "/page")
    assert failed.value.reason is Reason.TLS


async def test_the_certificate_is_checked_against_the_name_although_the_address_is_connected() -> None:
    async with serve(tls=AUTHORITY.server("site.example")) as origin:
        fetched = await fetch(origin, "site.example", "/page")
    assert fetched.body == PAGE
    assert origin.requests[0].headers["host"] == f"site.example:{origin.port}"


async def test_a_redirect_from_https_to_http_is_not_followed() -> None:
    async with serve(tls=AUTHORITY.server("site.example")) as origin:
        with pytest.raises(ReadingError) as failed:
            await fetch(origin, "site.example", "/downgrade")
    assert failed.value.reason is Reason.TOO_MANY_REDIRECTS
    assert [request.path for request in origin.requests] == ["/downgrade"]
