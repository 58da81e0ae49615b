"""Access tokens: ES256 JWTs of RFC 9068's kind, issued and read in one place behind RFC 8725's checks.

python-jose alone is not enough: it takes tokens without `exp` or `aud`, ignores `typ` and `crit`, and lets
OverflowError, TypeError and RecursionError out. Everything it lets through is refused here, before or after.
"""

import json
import re
import time
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID, uuid4

from jose import jwt

from app.core.bounded import Bounded
from app.core.errors import ProblemError
from app.core.keyring import KeyRing
from app.core.signing_keys import ALGORITHM

MAX_LIFETIME_SECONDS = 15 * 60
LEEWAY_SECONDS = 10
# How far ahead another instance's clock may run.
MAX_CLOCK_SKEW_SECONDS = 30
# At about 3 KB each. To verify a signature anew costs a tenth of a millisecond, at each of its requests.
MOST_REMEMBERED = 4096

_TYPE = "at+jwt"
_HEADER_KEYS = frozenset({"alg", "typ", "kid"})
_MAX_LENGTH = 4096
# A P-256 signature is 64 bytes: 86 characters, whose last has 4 unused bits. Only their zero form is taken,
# else one token would have 16 spellings.
_SHAPE = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{85}[AQgw]", re.ASCII)
_JOSE_OPTIONS = {
    **{f"require_{claim}": True for claim in ("sub", "jti", "aud", "iss")},
    # Times are checked below, against the injected clock and with stricter types. They are not "required"
    # here: jose takes that to mean verified too. A missing one is refused in _parse_claims.
    **{f"verify_{claim}": False for claim in ("exp", "iat", "nbf")},
}


class InvalidTokenError(ProblemError):
    code = "invalid_token"
    status = 401
    title = "The access token is not valid"
    meaning = "The token is malformed, expired, revoked, or was not issued by this service for this use."
    hint = "Get a new access token at POST /api/v1/auth/refresh, or log in again."
    headers: ClassVar[Mapping[str, str]] = {"WWW-Authenticate": 'Bearer error="invalid_token"'}


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessGrant:
    """Who a token speaks for: user, organisation, session; what it may do; how its owner logged in."""

    sub: UUID
    org: UUID
    sid: UUID
    scopes: frozenset[str]
    role: str
    ver: int
    auth_time: int | None = None
    amr: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessClaims(AccessGrant):
    """A verified token's content. Times are epoch seconds."""

    jti: str
    iat: int
    nbf: int
    exp: int


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """`expires_in` in seconds."""

    token: str
    expires_in: int


@dataclass(frozen=True, slots=True)
class _Verified:
    kid: str
    key: Any  # Any: jose's stubs have no type for a prebuilt key
    claims: AccessClaims


class AccessTokens:
    """Issue and read access tokens. `clock` gives epoch seconds."""

    def __init__(
        self,
        key_ring: KeyRing,
        *,
        issuer: str,
        audience: str,
        lifetime_seconds: int = MAX_LIFETIME_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if not 0 < lifetime_seconds <= MAX_LIFETIME_SECONDS:
            raise ValueError(f"an access token lives 1 to {MAX_LIFETIME_SECONDS} s, not {lifetime_seconds}")
        self._key_ring = key_ring
        self._issuer = issuer
        self._audience = audience
        self._lifetime_seconds = lifetime_seconds
        self._clock = clock
        self._verified: Bounded[str, _Verified] = Bounded(MOST_REMEMBERED)

    def issue(self, grant: AccessGrant, *, at_most_seconds: int = MAX_LIFETIME_SECONDS) -> IssuedToken:
        """`at_most_seconds`: for a session that ends sooner than its token would."""
        now, lifetime = int(self._clock()), min(self._lifetime_seconds, at_most_seconds)
        claims: dict[str, Any] = {  # Any: a JSON object
            "iss": self._issuer,
            "aud": self._audience,
            "sub": str(grant.sub),
            "org": str(grant.org),
            "sid": str(grant.sid),
            "jti": str(uuid4()),
            "iat": now,
            "nbf": now,
            "exp": now + lifetime,
            "scope": " ".join(sorted(grant.scopes)),
            "role": grant.role,
            "ver": grant.ver,
        }
        claims |= _optional_claims(grant)
        active = self._key_ring.active
        token = jwt.encode(claims, active.key, ALGORITHM, headers={"typ": _TYPE, "kid": active.kid})
        return IssuedToken(token, lifetime)

    def decode(self, token: str) -> AccessClaims:
        """Return the claims of a token that is wholly right; raise InvalidTokenError for any other string."""
        try:
            known = self._known(token)
            if known is None:
                return self._read(token)
            _check_times(known, now=self._clock())
        except Exception as error:  # noqa: BLE001  # jose's errors share no base; each means: not ours
            reason = f"{type(error).__name__}: {error}"[:200]
            raise InvalidTokenError(internal=f"access token refused: {reason}") from None
        return known

    def remembered(self, token: str) -> AccessClaims | None:
        """The claims of a token that was right when this process last read it, and has not expired since."""
        known = self._known(token)
        is_over = known is None or known.exp <= self._clock() - LEEWAY_SECONDS
        return None if is_over else known

    def _known(self, token: str) -> AccessClaims | None:
        """Its signature was right, by a key that is still ours."""
        verified = self._verified.get(token)
        if verified is None or self._key_ring.verifier(verified.kid) is not verified.key:
            return None
        return verified.claims

    def _read(self, token: str) -> AccessClaims:
        kid, key = self._verifier(token)
        jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            audience=self._audience,
            issuer=self._issuer,
            options=_JOSE_OPTIONS,
        )
        # Read anew: jose takes the last of two equal members, another verifier of ours may take the first.
        claims = _parse_claims(_parse_object(token.split(".")[1]))
        _check_times(claims, now=self._clock())
        self._verified[token] = _Verified(kid, key, claims)
        return claims

    def _verifier(self, token: str) -> tuple[str, Any]:  # Any: jose's stubs have no type for a prebuilt key
        if len(token) > _MAX_LENGTH or not _SHAPE.fullmatch(token):
            raise ValueError("not of a JWT's shape")
        header = _parse_object(token.partition(".")[0])
        if header.keys() != _HEADER_KEYS:
            raise ValueError("the header must have exactly alg, typ and kid")
        if header["alg"] != ALGORITHM or header["typ"] != _TYPE:
            raise ValueError("another algorithm or type of token")
        key = self._key_ring.verifier(header["kid"])
        if key is None:
            raise ValueError("unknown kid")
        return header["kid"], key


def _optional_claims(grant: AccessGrant) -> dict[str, Any]:  # Any: JSON values
    claims: dict[str, Any] = {}  # Any: JSON values
    if grant.auth_time is not None:
        claims["auth_time"] = grant.auth_time
    if grant.amr:
        claims["amr"] = list(grant.amr)
    return claims


def _parse_object(segment: str) -> dict[str, Any]:  # Any: JSON values
    parsed = json.loads(_decode_segment(segment), object_pairs_hook=_without_repetition)
    if type(parsed) is not dict:
        raise TypeError("a JSON object is needed")
    return parsed


def _without_repetition(members: list[tuple[str, Any]]) -> dict[str, Any]:  # Any: JSON values
    found = dict(members)
    if len(found) != len(members):
        raise ValueError("a member is repeated")
    return found


def _decode_segment(segment: str) -> bytes:
    return urlsafe_b64decode(segment + "=" * (-len(segment) % 4))


def _parse_claims(payload: Mapping[str, Any]) -> AccessClaims:  # Any: JSON values, checked here
    if type(payload["aud"]) is not str:
        raise ValueError("aud must be one string")
    return AccessClaims(
        sub=_uuid(payload["sub"]),
        org=_uuid(payload["org"]),
        sid=_uuid(payload["sid"]),
        jti=_text(payload["jti"]),
        iat=_whole(payload["iat"]),
        nbf=_whole(payload["nbf"]),
        exp=_whole(payload["exp"]),
        scopes=frozenset(_text(payload["scope"]).split()),
        role=_text(payload["role"]),
        ver=_whole(payload["ver"]),
        auth_time=_whole(payload["auth_time"]) if "auth_time" in payload else None,
        amr=_texts(payload.get("amr", [])),
    )


def _check_times(claims: AccessClaims, *, now: float) -> None:
    if not 0 < claims.exp - claims.iat <= MAX_LIFETIME_SECONDS:
        raise ValueError("lives longer than we issue")
    if claims.iat > now + MAX_CLOCK_SKEW_SECONDS:
        raise ValueError("issued in the future")
    if claims.nbf > now + MAX_CLOCK_SKEW_SECONDS:
        raise ValueError("not valid yet")
    if claims.exp <= now - LEEWAY_SECONDS:
        raise ValueError("expired")


def _whole(value: object) -> int:
    # `type`, not isinstance: True, 1.0 and Infinity are not numbers of seconds.
    if type(value) is not int:
        raise TypeError("a whole number is needed")
    return value


def _text(value: object) -> str:
    if type(value) is not str:
        raise TypeError("a string is needed")
    return value


def _texts(value: object) -> tuple[str, ...]:
    if type(value) is not list:
        raise TypeError("a list of strings is needed")
    return tuple(_text(item) for item in value)


def _uuid(value: object) -> UUID:
    text = _text(value)
    parsed = UUID(text)
    if str(parsed) != text:
        raise ValueError("a UUID in its canonical form is needed")
    return parsed
