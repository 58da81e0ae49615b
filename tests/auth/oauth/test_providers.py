"""Which providers are offered; and what is special about GitHub and Google."""

import pytest
from httpx2 import AsyncClient, Response
from pydantic import SecretStr

from app.auth.oauth.providers import configured_providers
from app.auth.oauth.transport import make_client
from app.settings import Settings, load_settings
from tests.auth.oauth.visitor import Observer, Visitor
from tests.auth.traces import bearer
from tests.openid_stub import OpenIdStub, signed

SECRET = SecretStr("s")
GITHUB = {"github_client_id": "id", "github_client_secret": SECRET}
GOOGLE = {"google_client_id": "id", "google_client_secret": SECRET}
OIDC = {"oidc_client_id": "id", "oidc_client_secret": SECRET, "oidc_issuer": "https://id.example"}
ME = "/api/v1/users/me"


def offered(**values: object) -> list[str]:
    settings: Settings = load_settings(environment="testing", **values)
    return list(configured_providers(settings, make_client()))


@pytest.mark.unit
@pytest.mark.parametrize("left_out", [*GITHUB, *GOOGLE, *OIDC])
def test_a_provider_that_is_half_configured_is_off(left_out: str) -> None:
    values = {**GITHUB, **GOOGLE, **OIDC}
    expected = [name for name in ("google", "github", "oidc") if name != left_out.partition("_")[0]]
    assert offered(**{name: value for name, value in values.items() if name != left_out}) == expected


@pytest.mark.unit
def test_none_is_offered_until_one_is_configured() -> None:
    assert offered() == []
    assert offered(**GITHUB) == ["github"]


pytestmark = pytest.mark.integration


def refusal(answer: Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


ADDRESSES: dict[str, object] = {
    "none": [],
    "not verified": [{"email": "dora@example.org", "primary": True, "verified": False}],
    "verified but not primary": [{"email": "dora@example.org", "primary": False, "verified": True}],
    "verified by a truthy word": [{"email": "dora@example.org", "primary": True, "verified": "yes"}],
    "no list": {"message": "Not Found"},
    "of no objects": ["dora@example.org"],
    "null": None,
}


async def test_github_without_a_primary_verified_address_makes_no_account(
    visitor: Visitor, stub: OpenIdStub, observer: Observer, subtests: pytest.Subtests
) -> None:
    # The public one is whatever somebody typed.
    stub.github["email"] = "victim@example.org"
    for name, emails in ADDRESSES.items():
        stub.emails = emails
        with subtests.test(name):
            assert refusal(await visitor.log_in("github")) == (403, "oauth_email_unverified")
    assert await observer.count("users") == 0


NOBODIES: dict[str, object] = {
    "no id": {"login": "dora"},
    "an id that is true": {"id": True},
    "a list": [],
    "null": None,
}


async def test_github_that_names_nobody_lets_nobody_in(
    visitor: Visitor, stub: OpenIdStub, observer: Observer, subtests: pytest.Subtests
) -> None:
    for name, user in NOBODIES.items():
        stub.answers["/api.github.com/user"] = (200, user)
        with subtests.test(name):
            assert refusal(await visitor.log_in("github")) == (502, "oauth_provider_failed")
    assert await observer.count("users") == 0


async def test_github_answers_200_to_a_code_that_it_refuses(visitor: Visitor, stub: OpenIdStub) -> None:
    back = stub.visit(await visitor.begin("github"))
    answer = await visitor.come_back({**back, "code": "another"}, "github")
    assert refusal(answer) == (400, "oauth_code_refused")


@pytest.mark.parametrize("token", [None, 1, ["gho_x"]])
async def test_github_without_a_token_is_refused(visitor: Visitor, stub: OpenIdStub, token: object) -> None:
    stub.answers["/github.com/login/oauth/access_token"] = (200, {"access_token": token})
    assert refusal(await visitor.log_in("github")) == (502, "oauth_provider_failed")


async def test_an_outage_of_githubs_api_is_told(visitor: Visitor, stub: OpenIdStub) -> None:
    stub.answers["/api.github.com/user/emails"] = (503, {})
    assert refusal(await visitor.log_in("github")) == (503, "oauth_provider_unavailable")


async def test_github_lets_in_by_its_id_and_primary_address(
    visitor: Visitor, client: AsyncClient, observer: Observer
) -> None:
    me = (await client.get(ME, headers=bearer(await visitor.log_in("github")))).json()
    assert (me["username"], me["email"]) == ("dora-codes", "dora@example.org")
    assert [(provider, subject) for provider, subject, _ in await observer.links()] == [("github", "7")]


async def test_a_github_name_that_changed_hands_opens_nothing(
    visitor: Visitor, stub: OpenIdStub, observer: Observer
) -> None:
    await visitor.log_in("github")
    stub.github["id"] = 8
    stub.emails = [{"email": "eve@example.org", "primary": True, "verified": True}]
    await visitor.log_in("github")
    assert await observer.count("users") == 2


async def test_githubs_token_goes_to_github_alone_and_is_not_kept(
    visitor: Visitor, stub: OpenIdStub, observer: Observer
) -> None:
    answer = await visitor.log_in("github")
    told = {asked.path for asked in stub.asked if "gho_something" in asked.headers.get("authorization", "")}
    assert told == {"/api.github.com/user", "/api.github.com/user/emails"}
    assert "gho_" not in answer.text
    assert "gho_" not in str(await observer.ask("SELECT * FROM oauth_accounts"))


@pytest.mark.parametrize("issuer", ["https://accounts.google.com", "accounts.google.com"])
async def test_google_lets_in_under_either_spelling_of_its_name(
    visitor: Visitor, stub: OpenIdStub, observer: Observer, issuer: str
) -> None:
    stub.claims = {"iss": issuer}
    assert (await visitor.log_in("google")).status_code == 200
    rows = await observer.ask("SELECT issuer FROM oauth_accounts")
    assert [row["issuer"] for row in rows] == ["https://accounts.google.com"]


async def test_a_token_of_another_issuer_is_none_of_googles(visitor: Visitor) -> None:
    assert refusal(await visitor.log_in("google")) == (502, "oauth_proof_refused")


async def test_google_without_an_address_asks_nobody_else(visitor: Visitor, stub: OpenIdStub) -> None:
    stub.claims = {"iss": "https://accounts.google.com"}
    stub.account.pop("email")
    assert refusal(await visitor.log_in("google")) == (403, "oauth_email_unverified")


async def test_googles_keys_are_asked_for_once(visitor: Visitor, stub: OpenIdStub) -> None:
    stub.claims = {"iss": "https://accounts.google.com"}
    for _ in range(3):
        assert (await visitor.log_in("google")).status_code == 200
    assert len([asked for asked in stub.asked if "certs" in asked.path]) == 1
    assert stub.make_token is signed
