"""What a provider publishes is remembered for a while, and looked at again in time."""

from typing import Any

import httpx
import pytest

from app.auth.oauth.discovery import (
    CONFIGURATION_SECONDS,
    KEYS_SECONDS,
    Discovery,
    KeySet,
    read_configuration,
)
from app.auth.oauth.errors import OAuthProviderError, OAuthUnavailableError
from tests.openid_stub import KID, public_jwk, rsa_key

pytestmark = pytest.mark.unit

ISSUER = "https://id.example"
DOCUMENT = {
    "issuer": ISSUER,
    **{name: f"{ISSUER}/{name}" for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")},
}


class Pages:
    """Answers what `page` says, and counts how often it was asked; with a clock beside it."""

    def __init__(self, page: object) -> None:
        self.page = page
        self.asked = 0
        self.now = 1000.0

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(self._answer))

    def clock(self) -> float:
        return self.now

    def _answer(self, _request: httpx.Request) -> httpx.Response:
        self.asked += 1
        return httpx.Response(200 if self.page is not None else 500, json=self.page)


@pytest.mark.parametrize(
    "lie",
    [
        {"issuer": "https://evil.example"},
        {"issuer": f"{ISSUER}/"},
        {"token_endpoint": "http://id.example/token"},
        {"jwks_uri": "http://id.example/jwks"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"jwks_uri": None},
        {"jwks_uri": ["https://id.example"]},
    ],
)
def test_a_document_that_lies_or_weakens_the_connection_is_refused(lie: dict[str, Any]) -> None:  # Any: JSON
    with pytest.raises(OAuthProviderError):
        read_configuration({**DOCUMENT, **lie}, ISSUER)


@pytest.mark.parametrize("document", [None, [], "x", 1])
def test_what_is_no_document_is_refused(document: object) -> None:
    with pytest.raises(OAuthProviderError):
        read_configuration(document, ISSUER)


def test_a_userinfo_endpoint_is_used_only_where_it_is_as_safe() -> None:
    weak = {**DOCUMENT, "userinfo_endpoint": "http://id.example/userinfo"}
    assert read_configuration(weak, ISSUER).userinfo_endpoint is None


async def test_the_configuration_is_asked_for_every_hour() -> None:
    pages = Pages(DOCUMENT)
    discovery = Discovery(pages.client(), ISSUER, clock=pages.clock)
    await discovery.get()
    await discovery.get()
    assert pages.asked == 1
    pages.now += CONFIGURATION_SECONDS
    await discovery.get()
    assert pages.asked == 2


async def test_a_failure_is_not_remembered() -> None:
    pages = Pages(None)
    discovery = Discovery(pages.client(), ISSUER, clock=pages.clock)
    with pytest.raises(OAuthUnavailableError):
        await discovery.get()
    pages.page = DOCUMENT
    assert (await discovery.get()).issuer == ISSUER


async def test_keys_are_asked_for_every_ten_minutes() -> None:
    pages = Pages({"keys": [public_jwk(rsa_key(), KID)]})
    keys = KeySet(pages.client(), "https://id.example/jwks", clock=pages.clock)
    assert set(await keys.get()) == set(await keys.get()) == {KID}
    assert pages.asked == 1
    pages.now += KEYS_SECONDS
    await keys.get()
    assert pages.asked == 2


async def test_for_an_unknown_key_they_are_asked_for_anew_but_not_all_the_time() -> None:
    pages = Pages({"keys": []})
    keys = KeySet(pages.client(), "https://id.example/jwks", clock=pages.clock)
    await keys.get()
    await keys.get(fresh=True)
    assert pages.asked == 1
    pages.now += 10
    pages.page = {"keys": [public_jwk(rsa_key(), KID)]}
    assert set(await keys.get(fresh=True)) == {KID}
