"""Attacks on access tokens, over HTTP: each is 401 with a challenge, none is a 500, none is echoed.

The same one by one, and why each is refused: tests/core/test_tokens.py.
"""

import hmac
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from fastapi import FastAPI
from httpx2 import AsyncClient

from app.core.keyring import KeyRing
from app.core.signing_keys import generate_pem, parse_private_pem
from app.core.tokens import AccessGrant, AccessTokens
from app.settings import Settings
from tests.auth.traces import ME, is_in, served
from tests.core.forge import INFINITY, MISSING, Forge, dump, pack
from tests.factories import Person

pytestmark = pytest.mark.integration

CLAIMS = ("iss", "aud", "sub", "org", "sid", "jti", "iat", "nbf", "exp", "scope", "role", "ver")


def malformed(token: str) -> Iterator[str]:
    head, payload, signature = token.split(".")
    yield from ("a.b.c", "..", f"{head}.{payload}", f"{head}.{payload}.", f".{payload}.{signature}")
    yield from (f"{token}=", f"{token}==", f"{token}!!", f"{token}.{signature}", f"{token}%00", f'"{token}"')
    yield from (f"{head}.{payload}.{'A' * 86}", f"{head}.{signature}.{payload}", token[::-1], token.lower())
    yield from ("A" * 4096 + token, f"{pack(b'[' * 1500)}.{payload}.{signature}", f"{'.' * 3000}")


def confused(forge: Forge) -> Iterator[str]:
    """With another algorithm, another type, another way to name a key."""
    body = pack(dump(forge.payload))
    for alg in ("none", "None", "NONE", "HS256", "ES384", "", None, ["ES256"]):
        yield f"{pack(dump(forge.header | {'alg': alg}))}.{body}."
        yield f"{pack(dump(forge.header | {'alg': alg}))}.{body}.{forge.signature}"
    public = load_pem_public_key(forge.ring.active.public.pem)
    for encoding in (Encoding.PEM, Encoding.DER):
        secret = public.public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)
        signed = f"{pack(dump(forge.header | {'alg': 'HS256'}))}.{body}"
        yield f"{signed}.{pack(hmac.digest(secret, signed.encode(), 'sha256'))}"
    for kid in ("unknown", "../../../../dev/null", "' OR 1=1 --", "", None, 0, ["x"], {"x": 1}, MISSING):
        yield forge.with_header(kid=kid)
    for typ in ("JWT", "refresh+jwt", "at+JWT", "application/at+jwt", None, MISSING):
        yield forge.with_header(typ=typ)
    for extra in ({"crit": ["exp"]}, {"jku": "https://evil.example"}, {"x5u": "https://evil.example"}):
        yield forge.with_header(**extra)
    yield from (forge.with_header(b64=False), forge.with_header(jwk=dict(forge.ring.active.public.jwk)))


def signed_by_a_stranger(forge: Forge) -> Iterator[str]:
    stranger = parse_private_pem(generate_pem(), name="stranger")
    headers = (forge.header, forge.header | {"kid": stranger.kid})
    for header in (*headers, forge.header | {"jwk": dict(stranger.public.jwk)}):
        signed = f"{pack(dump(header))}.{pack(dump(forge.payload))}"
        yield f"{signed}.{pack(stranger.key.sign(signed.encode()))}"


def wrong_though_signed(forge: Forge) -> Iterator[str]:
    """Expired, of another audience, stripped of a claim: what only a fault of ours could sign."""
    now = forge.payload["iat"]
    yield from (forge.with_claims(**{claim: MISSING}) for claim in CLAIMS)
    yield from (forge.with_claims(**{claim: None}) for claim in CLAIMS)
    yield from (forge.with_claims(exp=exp) for exp in (now - 60, INFINITY, -INFINITY, "9", 10**30, True))
    yield from (forge.with_claims(iat=now - 3600, exp=now - 2700), forge.with_claims(exp=now + 901))
    audiences: list[object] = ["other", [forge.payload["aud"]], [], {}]
    yield from (forge.with_claims(aud=aud) for aud in audiences)
    yield from (forge.with_claims(iss="https://evil.example"), forge.with_claims(nbf=now + 600))
    yield forge.sign(dump(forge.header), b'{"exp":9999999999,' + dump(forge.payload)[1:])
    yield from (forge.sign(dump(forge.header), body) for body in (b"[]", b"null", b"{", b"\xff", b"1e999"))


@pytest.fixture
def forge(app: FastAPI, settings: Settings, alice: Person) -> Forge:
    ring: KeyRing = app.state.key_ring
    tokens = AccessTokens(ring, issuer=settings.base_url, audience=settings.jwt_audience)
    grant = AccessGrant(
        sub=alice.user_id,
        org=alice.organization_id,
        sid=alice.session_id,
        scopes=frozenset({"profile:read"}),
        role="user",
        ver=1,
    )
    return Forge(ring, tokens, grant)


async def assert_refused(client: AsyncClient, token: str) -> None:
    answer = await client.get(ME, headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json"), token
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    assert not token.strip(". ") or token not in answer.text


async def test_whatever_we_did_not_issue_is_401_with_a_challenge(
    settings: Settings, alice: Person, forge: Forge
) -> None:
    attacks = [
        *malformed(alice.access_token),
        *confused(forge),
        *signed_by_a_stranger(forge),
        *wrong_though_signed(forge),
    ]
    assert len(attacks) > 100
    # Scaled, or the limit on bad credentials would answer from the sixty-first on.
    async with served(settings, rate_limit_scale=100) as client:
        for attack in attacks:
            await assert_refused(client, attack)
        assert await is_in(client, alice)


async def test_another_kind_of_token_of_ours_is_no_access_token(client: AsyncClient, alice: Person) -> None:
    for token in (alice.refresh_token, f"{alice.refresh_token}.{alice.refresh_token}.x"):
        answer = await client.get(ME, headers={"Authorization": f"Bearer {token}"})
        assert (answer.status_code, "error" in answer.headers["WWW-Authenticate"]) == (401, True)


async def test_a_genuine_token_of_the_same_forge_is_accepted(client: AsyncClient, forge: Forge) -> None:
    """Or the refusals above would prove nothing."""
    for token in (forge.genuine, forge.with_claims(), forge.with_header()):
        assert (await client.get(ME, headers={"Authorization": f"Bearer {token}"})).status_code == 200
