"""Attacks on access tokens: whatever arrives that we did not issue for this use ends in InvalidTokenError."""

import hmac
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from hypothesis import given
from hypothesis import strategies as st

from app.core.keyring import KeyRing
from app.core.signing_keys import generate_pem, parse_private_pem
from app.core.tokens import AccessGrant, AccessTokens, InvalidTokenError
from tests.core.forge import GRANT, INFINITY, MISSING, Forge, dump, pack

pytestmark = pytest.mark.unit

ISSUER = "https://precis.example"
AUDIENCE = "precis-api"
NOW = 1_800_000_000


def repr_of(changes: dict[str, object]) -> str:
    """The same in every process, as pytest-xdist needs it."""
    return str({name: "MISSING" if value is MISSING else value for name, value in changes.items()})


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> KeyRing:
    return KeyRing.load(tmp_path_factory.mktemp("keys"), create=True)


@pytest.fixture(scope="module")
def tokens(ring: KeyRing) -> AccessTokens:
    return AccessTokens(ring, issuer=ISSUER, audience=AUDIENCE, clock=lambda: NOW)


@pytest.fixture(scope="module")
def forge(ring: KeyRing, tokens: AccessTokens) -> Forge:
    return Forge(ring, tokens)


def refused(tokens: AccessTokens, token: str, because: str = "") -> None:
    with pytest.raises(InvalidTokenError) as caught:
        tokens.decode(token)
    assert because in str(caught.value)


@pytest.mark.parametrize(
    "changes",
    [
        {"alg": "none"},
        {"alg": "HS256"},
        {"alg": "ES384"},
        {"alg": ["ES256"]},
        {"alg": MISSING},
        {"typ": "JWT"},
        {"typ": "refresh"},
        {"typ": MISSING},
        {"kid": "unknown"},
        {"kid": "../../etc/passwd"},
        {"kid": None},
        {"kid": ["x"]},
        {"kid": MISSING},
        {"crit": ["exp"]},
        {"jku": "https://attacker.example/keys"},
        {"jwk": {"kty": "EC"}},
        {"x5u": "https://attacker.example/cert"},
        {"b64": False},
    ],
    ids=repr_of,
)
def test_header_that_is_not_exactly_ours_is_refused(
    tokens: AccessTokens, forge: Forge, changes: dict[str, object]
) -> None:
    refused(tokens, forge.with_header(**changes))


@pytest.mark.parametrize(
    ("claim", "values"),
    [
        ("iss", ["https://other.example", None, [ISSUER], MISSING]),
        ("aud", ["other-api", None, [AUDIENCE], [], MISSING]),
        ("sub", ["alice", None, 1, UUID(int=1).hex, MISSING]),
        ("org", ["", None, [], UUID(int=2).urn, MISSING]),
        ("sid", ["0", None, {}, MISSING]),
        ("jti", [None, 1, [], MISSING]),
        ("iat", [NOW + 31, None, "1", True, float(NOW), INFINITY, [], MISSING]),
        ("nbf", [NOW + 31, None, "1", -INFINITY, {}, MISSING]),
        ("exp", [NOW, NOW - 1, NOW + 901, None, "9", [], float(NOW + 1), INFINITY, 10**30, MISSING]),
        ("scope", [None, ["summaries:read"], 7, MISSING]),
        ("role", [None, 1, MISSING]),
        ("ver", [None, "4", 4.0, True, MISSING]),
        ("auth_time", [None, "now", 1.5]),
        ("amr", ["pwd", [1], None]),
    ],
)
def test_signed_claim_of_the_wrong_value_or_type_or_missing_is_refused(
    tokens: AccessTokens, forge: Forge, claim: str, values: list[object]
) -> None:
    for value in values:
        refused(tokens, forge.with_claims(**{claim: value}))


@pytest.mark.parametrize("payload", [b"[]", b"null", b"{", b"\xff", b"", b"[" * 2000])
def test_signed_payload_that_is_no_object_is_refused(
    tokens: AccessTokens, forge: Forge, payload: bytes
) -> None:
    refused(tokens, forge.sign(dump(forge.header), payload))


@pytest.mark.parametrize("header", [b"[]", b"null", b"{", b"\xff", b"[" * 1500, b'{"a":' * 600])
def test_header_that_is_no_object_or_a_nesting_bomb_is_refused(
    tokens: AccessTokens, forge: Forge, header: bytes
) -> None:
    refused(tokens, forge.sign(header, dump(forge.payload)))


@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER])
def test_hmac_with_the_public_key_as_secret_is_refused(
    tokens: AccessTokens, forge: Forge, encoding: Encoding
) -> None:
    public = load_pem_public_key(forge.ring.active.public.pem)
    secret = public.public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)
    signed = f"{pack(dump(forge.header | {'alg': 'HS256'}))}.{pack(dump(forge.payload))}"
    mac = hmac.digest(secret, signed.encode(), "sha256")
    refused(tokens, f"{signed}.{pack(mac)}")
    refused(tokens, f"{signed}.{pack(mac + mac)}", because="algorithm")


def test_a_repeated_member_is_refused_though_signed(tokens: AccessTokens, forge: Forge) -> None:
    header, payload = dump(forge.header), dump(forge.payload)
    refused(tokens, forge.sign(b'{"alg":"none",' + header[1:], payload), because="repeated")
    refused(tokens, forge.sign(header, b'{"exp":9999999999,' + payload[1:]), because="repeated")
    refused(tokens, forge.sign(header, payload[:-1] + b',"role":"super_admin"}'), because="repeated")


def test_token_with_one_character_out_of_place_is_refused(tokens: AccessTokens, forge: Forge) -> None:
    token = forge.genuine
    signed = token.rpartition(".")[0]
    # The same 64 bytes, spelt with one of the unused bits set.
    respelt = token[:-1] + {"A": "B", "Q": "R", "g": "h", "w": "x"}[token[-1]]
    stripped = [signed, f"{signed}.", f"{signed}.{'A' * 86}"]
    padded = [f"{token}=", f"{token}!!", f"{token}\n", f" {token}", f"{token}.{'A' * 86}", "A" * 4096 + token]
    foreign = ["", "..", f"\ud800{token[1:]}", f"\uff21{token[1:]}"]
    for mangled in [respelt, *stripped, *padded, *foreign]:
        refused(tokens, mangled)


def test_payload_under_another_tokens_signature_is_refused(tokens: AccessTokens, forge: Forge) -> None:
    swapped = f"{pack(dump(forge.header))}.{pack(dump(forge.payload | {'role': 'root'}))}.{forge.signature}"
    refused(tokens, swapped, because="Signature verification failed")


def test_foreign_key_under_our_kid_is_refused(tokens: AccessTokens, forge: Forge) -> None:
    signed = forge.genuine.rpartition(".")[0]
    foreign = parse_private_pem(generate_pem(), name="foreign").key
    refused(tokens, f"{signed}.{pack(foreign.sign(signed.encode()))}", because="Signature")


def test_token_of_another_issuer_or_audience_is_refused(ring: KeyRing, tokens: AccessTokens) -> None:
    for other in (
        AccessTokens(ring, issuer="https://other.example", audience=AUDIENCE, clock=lambda: NOW),
        AccessTokens(ring, issuer=ISSUER, audience="other-api", clock=lambda: NOW),
    ):
        refused(tokens, other.issue(GRANT).token)


@given(st.text() | st.from_regex(r"[A-Za-z0-9_-]{1,99}\.[A-Za-z0-9_-]{1,99}\.[A-Za-z0-9_-]{85}[AQgw]"))
def test_no_text_whatever_raises_anything_else(tokens: AccessTokens, text: str) -> None:
    refused(tokens, text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(
    claim=st.sampled_from(
        ["iss", "aud", "sub", "org", "sid", "iat", "nbf", "exp", "ver", "amr", "auth_time"]
    ),
    value=JSON,
)
def test_no_signed_claim_whatever_raises_anything_else(
    tokens: AccessTokens, forge: Forge, claim: str, value: object
) -> None:
    try:
        tokens.decode(forge.with_claims(**{claim: value}))
    except InvalidTokenError:
        return
    assert claim in {"iat", "nbf", "ver", "amr", "auth_time"}


@given(st.dictionaries(st.sampled_from(["alg", "typ", "kid", "crit", "jwk"]), JSON, min_size=1))
def test_no_header_whatever_raises_anything_else(
    tokens: AccessTokens, forge: Forge, changes: dict[str, object]
) -> None:
    refused(tokens, forge.with_header(**changes))


def test_refusal_tells_clients_in_the_header_and_keeps_the_reason_internal(tokens: AccessTokens) -> None:
    with pytest.raises(InvalidTokenError) as caught:
        tokens.decode("garbage")
    assert caught.value.status == 401
    assert caught.value.public_headers == {"WWW-Authenticate": 'Bearer error="invalid_token"'}
    assert "shape" not in caught.value.detail


@pytest.mark.parametrize("seconds", [0, -1, 901])
def test_lifetime_beyond_fifteen_minutes_is_refused(ring: KeyRing, seconds: int) -> None:
    with pytest.raises(ValueError, match="lives"):
        AccessTokens(ring, issuer=ISSUER, audience=AUDIENCE, lifetime_seconds=seconds)


def test_issued_token_is_read_back_whole(tokens: AccessTokens) -> None:
    issued = tokens.issue(GRANT)
    claims = tokens.decode(issued.token)
    assert (claims.sub, claims.org, claims.sid) == (GRANT.sub, GRANT.org, GRANT.sid)
    assert (claims.scopes, claims.role, claims.ver) == (GRANT.scopes, "owner", 4)
    assert (claims.iat, claims.nbf, claims.exp) == (NOW, NOW, NOW + issued.expires_in)
    assert (claims.auth_time, claims.amr) == (None, ())
    assert claims.jti != tokens.decode(tokens.issue(GRANT).token).jti


def test_step_up_claims_are_read_back(tokens: AccessTokens) -> None:
    grant = AccessGrant(
        sub=UUID(int=1),
        org=UUID(int=2),
        sid=UUID(int=3),
        scopes=frozenset(),
        role="x",
        ver=0,
        auth_time=NOW - 60,
        amr=("pwd", "otp"),
    )
    claims = tokens.decode(tokens.issue(grant).token)
    assert (claims.auth_time, claims.amr, claims.scopes) == (NOW - 60, ("pwd", "otp"), frozenset())


def test_token_carries_no_personal_data(forge: Forge) -> None:
    assert set(forge.header) == {"alg", "typ", "kid"}
    assert set(forge.payload) == {
        *("iss", "aud", "sub", "org", "sid", "jti", "iat", "nbf", "exp", "scope", "role", "ver")
    }


@pytest.mark.parametrize(
    ("clock", "valid"), [(899, True), (909, True), (910, False), (-30, True), (-31, False)]
)
def test_token_lives_from_its_issue_to_its_expiry_give_or_take_the_leeway(
    ring: KeyRing, forge: Forge, clock: int, *, valid: bool
) -> None:
    reader = AccessTokens(ring, issuer=ISSUER, audience=AUDIENCE, clock=lambda: NOW + clock)
    if valid:
        assert reader.decode(forge.genuine).exp == NOW + 900
    else:
        refused(reader, forge.genuine)


def test_what_has_expired_is_remembered_no_more(ring: KeyRing, forge: Forge) -> None:
    now = [NOW]
    reader = AccessTokens(ring, issuer=ISSUER, audience=AUDIENCE, clock=lambda: now[0])
    assert reader.remembered(forge.genuine) is None
    read = reader.decode(forge.genuine)
    assert reader.remembered(forge.genuine) is read
    now[0] += 910
    assert reader.remembered(forge.genuine) is None
