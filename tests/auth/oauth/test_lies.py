"""A provider that lies, fails or is slow lets nobody in, and its faults are told apart."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import Response

from app.auth.oauth.transport import make_client
from tests.auth.oauth.visitor import AS_PROGRAM, OAUTH, Observer, Visitor, forget_provider
from tests.openid_stub import (
    ABSENT,
    EC_KID,
    KID,
    OpenIdStub,
    Rerouted,
    ec_key,
    public_jwk,
    rsa_key,
    signed,
    signed_with_client_secret,
    signed_with_public_key,
    unsigned,
)

pytestmark = pytest.mark.integration

PROBLEM = "application/problem+json"
Json = dict[str, Any]  # Any: JSON values

CLAIMS: dict[str, Json] = {
    "another nonce": {"nonce": "of another attempt"},
    "no nonce": {"nonce": ABSENT},
    "another audience": {"aud": "somebody-else"},
    "another party": {"azp": "somebody-else"},
    "another issuer": {"iss": "https://evil.example"},
    "an expired token": {"exp": 1_700_000_000},
    "a token without end": {"exp": ABSENT},
    "a token from long ago": {"iat": 1_700_000_000},
    "no time of the proof": {"auth_time": ABSENT},
    "a proof from long ago": {"auth_time": 1_700_000_000},
    "a proof of tomorrow": {"auth_time": 4_000_000_000},
    "a proof at no time": {"auth_time": True},
    "no subject": {"sub": ABSENT},
    "an empty subject": {"sub": ""},
    "a subject that cannot be stored": {"sub": "a\x00b"},
}
TOKENS: dict[str, Callable[[Json], str | None]] = {
    "an unsigned token": unsigned,
    "a token signed with the client's secret": signed_with_client_secret,
    "a token signed with the public key as a secret": signed_with_public_key,
    "a token signed by another key": lambda claims: signed(claims, key=rsa_key("another")),
    "a token signed by a key that is not published": lambda claims: signed(claims, kid="unpublished"),
    "a token without a kid": lambda claims: signed(claims, kid=None),
    "an access token": lambda claims: signed(claims, typ="at+jwt"),
    "no ID token": lambda _: None,
    "garbage for an ID token": lambda _: "garbage",
}
REDIRECT = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
GZIPPED = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}"
ENDLESS = b"HTTP/1.1 200 OK\r\n\r\n" + b" " * 400_000
NOT_JSON = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>"
NOT_UTF8 = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n\xff\xfe\xfd"
NESTED = b"HTTP/1.1 200 OK\r\n\r\n" + b"[" * 100_000
NONSENSE: dict[str, tuple[int, object]] = {
    "a list": (200, []),
    "null": (200, None),
    "a string": (200, "token"),
    "an endless lifetime": (200, {"expires_in": float("inf")}),
    "a lifetime that is no number": (200, {"expires_in": "soon"}),
    "an error of its own": (200, {"error": "server_on_fire"}),
    "a redirect": (0, REDIRECT),
    "a compressed answer": (0, GZIPPED),
    "an endless answer": (0, ENDLESS),
    "no JSON": (0, NOT_JSON),
    "no UTF-8": (0, NOT_UTF8),
    "JSON of a hundred thousand levels": (0, NESTED),
}
REFUSALS: dict[str, tuple[int, object]] = {
    "of our secret": (401, {"error": "invalid_client"}),
    "in HTML": (0, b"HTTP/1.1 400 Bad Request\r\n\r\n<html>"),
    "as a list": (400, []),
}
OUTAGES: dict[str, tuple[int, object]] = {
    "an internal error": (500, {}),
    "a bad gateway": (502, b"HTTP/1.1 502 Bad Gateway\r\n\r\n<html>"),
    "too many requests": (429, {}),
    "no HTTP": (0, b"\x00\x01\x02"),
    "nothing": (0, b""),
    "half an answer": (0, b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"),
}


OTHERS: tuple[object, ...] = (
    {"sub": "1002", "email": "eve@example.org", "email_verified": True},
    *([], None, "1001", {}),
)
PAGES = ("/token", "/jwks", "/.well-known/openid-configuration")
CONFIGURATIONS: dict[str, Json] = {
    "another issuer": {"issuer": "https://evil.example"},
    "no issuer": {"issuer": ABSENT},
    "no token endpoint": {"token_endpoint": ABSENT},
    "an endpoint that is no URL": {"authorization_endpoint": "javascript:alert(1)"},
    "keys from a file": {"jwks_uri": "file:///etc/passwd"},
}


@dataclass(frozen=True, slots=True)
class Liar:
    """Lets the provider tell one lie after the other; in the end nobody may have been let in."""

    app: FastAPI
    visitor: Visitor
    stub: OpenIdStub
    subtests: pytest.Subtests

    async def tell(self, lie: str, *, status: int, codes: set[str], **lies: object) -> Response:
        self.stub.tell_the_truth()
        forget_provider(self.app)
        for name, value in lies.items():
            setattr(self.stub, name, value)
        answer = await self._visit()
        with self.subtests.test(lie):
            assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM), answer.text
            assert answer.json()["code"] in codes
            assert "Traceback" not in answer.text
        return answer

    async def _visit(self) -> Response:
        begun = await self.visitor.client.get(f"{OAUTH}/oidc/authorize", headers=AS_PROGRAM)
        if begun.status_code != 200:
            return begun
        return await self.visitor.come_back(self.stub.visit(begun.json()["authorization_url"]))


@pytest.fixture
async def liar(
    app: FastAPI, visitor: Visitor, stub: OpenIdStub, observer: Observer, subtests: pytest.Subtests
) -> AsyncIterator[Liar]:
    yield Liar(app, visitor, stub, subtests)
    for table in ("auth_sessions", "users", "oauth_accounts"):
        assert await observer.count(table) == 0


async def test_a_signed_lie_is_refused(liar: Liar) -> None:
    for lie, claims in CLAIMS.items():
        await liar.tell(lie, status=502, codes={"oauth_proof_refused"}, claims=claims)


async def test_a_forged_token_is_refused(liar: Liar) -> None:
    for lie, make_token in TOKENS.items():
        await liar.tell(lie, status=502, codes={"oauth_proof_refused"}, make_token=make_token)


async def test_an_unverified_address_makes_no_account(liar: Liar) -> None:
    for verified in (False, ABSENT, "false", None, 1):
        claims = {"email_verified": verified}
        await liar.tell(str(verified), status=403, codes={"oauth_email_unverified"}, claims=claims)


async def test_no_address_makes_no_account(liar: Liar) -> None:
    lies: Json = {"claims": {"email": ABSENT}, "userinfo": {"sub": "1001"}}
    await liar.tell("nowhere", status=403, codes={"oauth_email_unverified"}, **lies)
    lies["configuration"] = {"userinfo_endpoint": ABSENT}
    await liar.tell("no userinfo", status=403, codes={"oauth_email_unverified"}, **lies)


async def test_userinfo_of_somebody_else_is_refused(liar: Liar) -> None:
    for userinfo in OTHERS:
        lies: Json = {"claims": {"email": ABSENT}, "userinfo": userinfo}
        await liar.tell(str(userinfo), status=502, codes={"oauth_proof_refused"}, **lies)


async def test_nonsense_is_told_apart_from_an_outage(liar: Liar) -> None:
    for page, (lie, answer) in product(PAGES, NONSENSE.items()):
        codes = {"oauth_provider_failed", "oauth_proof_refused"}
        await liar.tell(f"{page}: {lie}", status=502, codes=codes, answers={page: answer})


async def test_a_refusal_of_our_request_is_the_operators_to_mend(liar: Liar) -> None:
    for lie, answer in REFUSALS.items():
        await liar.tell(lie, status=502, codes={"oauth_provider_failed"}, answers={"/token": answer})


async def test_an_outage_is_503_and_may_be_tried_again(liar: Liar) -> None:
    for page, (lie, outage) in product(PAGES, OUTAGES.items()):
        codes = {"oauth_provider_unavailable"}
        answer = await liar.tell(f"{page}: {lie}", status=503, codes=codes, answers={page: outage})
        assert (answer.json()["retryable"], answer.headers["Retry-After"]) == (True, "10")


async def test_a_silent_provider_is_not_waited_for(liar: Liar, stub: OpenIdStub) -> None:
    # Impatient, for the other pages must be answered in time on a busy machine too.
    await liar.app.state.oauth_http.aclose()
    liar.app.state.oauth_http = make_client(Rerouted(stub), seconds=2)
    for page in PAGES:
        await liar.tell(page, status=503, codes={"oauth_provider_unavailable"}, silent={page})


async def test_a_configuration_that_lies_is_refused(liar: Liar) -> None:
    for lie, configuration in CONFIGURATIONS.items():
        await liar.tell(lie, status=502, codes={"oauth_provider_failed"}, configuration=configuration)


async def test_a_provider_that_recovers_is_believed_again(visitor: Visitor, stub: OpenIdStub) -> None:
    stub.answers["/jwks"] = (500, {})
    assert (await visitor.log_in()).status_code == 503
    del stub.answers["/jwks"]
    assert (await visitor.log_in()).status_code == 200


async def test_a_new_key_of_the_provider_is_fetched(visitor: Visitor, stub: OpenIdStub) -> None:
    stub.keys = [public_jwk(ec_key(), EC_KID)]
    assert (await visitor.log_in()).json()["code"] == "oauth_proof_refused"
    stub.keys.append(public_jwk(rsa_key(), KID))
    # Not yet: whoever sends tokens with unknown keys must not make us ask again and again.
    assert (await visitor.log_in()).json()["code"] == "oauth_proof_refused"
    assert len([asked for asked in stub.asked if asked.path == "/jwks"]) == 1


async def test_our_secret_and_the_verifier_go_to_the_token_endpoint_alone(
    visitor: Visitor, stub: OpenIdStub
) -> None:
    await visitor.log_in()
    (exchange,) = (asked for asked in stub.asked if asked.path == "/token")
    assert exchange.form["grant_type"] == "authorization_code"
    assert len(exchange.form["code_verifier"]) == 43
    others = [asked for asked in stub.asked if asked.path != "/token"]
    assert not any("authorization" in asked.headers or asked.form for asked in others)


async def test_a_providers_cookies_are_not_kept(visitor: Visitor, stub: OpenIdStub) -> None:
    await visitor.log_in()
    await visitor.log_in()
    assert not any("cookie" in asked.headers for asked in stub.asked)
