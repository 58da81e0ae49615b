"""Reads other issuers' ID tokens (OpenID Connect Core 3.1.3.7), through PyJWT; ours are core/tokens.py's.

The algorithm is the key's, never the header's: a token cannot choose `none`, nor HS256 with the client's
secret or a public key as its secret. A key is found by `kid` in the set that the issuer publishes, or not.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

Claims = Mapping[str, Any]  # Any: JSON values
Algorithm = Literal["RS256", "ES256"]

LEEWAY_SECONDS = 60
# As long as a state lives (app/auth/oauth/state.py).
ATTEMPT_SECONDS = 600
MINIMUM_RSA_BITS = 2048
MAX_KEYS = 100

_MAX_LENGTH = 16_384
_ALGORITHMS: Mapping[str, Algorithm] = {"RSA": "RS256", "EC": "ES256"}
_REQUIRED = ["iss", "sub", "aud", "exp", "iat"]


class UntrustedIdTokenError(Exception):
    """The token proves nothing. The text names the fault, and quotes nothing of the token."""


class UnknownKeyError(UntrustedIdTokenError):
    """No key of this id: the set may have been fetched before the issuer's last rotation."""


@dataclass(frozen=True, slots=True)
class VerificationKey:
    algorithm: Algorithm
    key: RSAPublicKey | EllipticCurvePublicKey


@dataclass(frozen=True, slots=True)
class Expected:
    """`issuers` are the spellings of one issuer: Google's tokens have two.

    `max_age`, in seconds, is what was asked for, and makes auth_time required (OpenID Connect Core, 2).
    """

    issuers: frozenset[str]
    client_id: str
    nonce: str
    max_age: int | None = None


def parse_key_set(document: object) -> dict[str, VerificationKey]:
    """A JWKS (RFC 7517) by `kid`; keys of other kinds or uses, and those without an id, are left out."""
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise UntrustedIdTokenError("what should be a key set is none")
    parsed = [(jwk["kid"], _parse_key(jwk)) for jwk in listed[:MAX_KEYS] if _is_for_signatures(jwk)]
    return {kid: key for kid, key in reversed(parsed) if key is not None}


def _is_for_signatures(jwk: object) -> bool:
    return isinstance(jwk, dict) and isinstance(jwk.get("kid"), str) and jwk.get("use", "sig") == "sig"


def _parse_key(jwk: dict[str, Any]) -> VerificationKey | None:  # Any: JSON values
    algorithm = _ALGORITHMS.get(str(jwk.get("kty")))
    if algorithm is None or jwk.get("alg", algorithm) != algorithm:
        return None
    try:
        key = jwt.PyJWK(jwk, algorithm).key
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        return None
    return VerificationKey(algorithm, key) if _is_strong(key) else None


def _is_strong(key: object) -> bool:
    if isinstance(key, RSAPublicKey):
        return key.key_size >= MINIMUM_RSA_BITS
    return isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1)


def verify_id_token(
    token: str, keys: Mapping[str, VerificationKey], *, expected: Expected, now: float
) -> Claims:
    """The claims of a token that this issuer made for this client and this attempt. `now`: epoch seconds.

    Raises UnknownKeyError, and UntrustedIdTokenError for every other fault.
    """
    if len(token) > _MAX_LENGTH:
        raise UntrustedIdTokenError("too long")
    try:
        key = _find_key(jwt.get_unverified_header(token), keys)
        claims = _verify_signature(token, key, expected)
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
        raise UntrustedIdTokenError(type(error).__name__) from None
    _check_party(claims, expected)
    _check_times(claims, now=now)
    _check_proof_time(claims, max_age=expected.max_age, now=now)
    return claims


def _find_key(header: Claims, keys: Mapping[str, VerificationKey]) -> VerificationKey:
    if str(header.get("typ", "JWT")).upper() != "JWT":
        raise UntrustedIdTokenError("another type of token")
    kid = header.get("kid")
    if not isinstance(kid, str):
        raise UntrustedIdTokenError("no kid")
    key = keys.get(kid)
    if key is None:
        raise UnknownKeyError("unknown kid")
    if header.get("alg") != key.algorithm:
        raise UntrustedIdTokenError("another algorithm than the key's")
    return key


def _verify_signature(token: str, key: VerificationKey, expected: Expected) -> Claims:
    # Times are checked below, against the injected clock and with stricter types.
    return jwt.decode(
        token,
        key.key,
        algorithms=[key.algorithm],
        audience=expected.client_id,
        issuer=expected.issuers,
        options={"require": _REQUIRED, "verify_exp": False, "verify_iat": False, "verify_nbf": False},
    )


def _check_party(claims: Claims, expected: Expected) -> None:
    if claims.get("nonce") != expected.nonce:
        raise UntrustedIdTokenError("made for another attempt")
    audiences = claims["aud"]
    several = isinstance(audiences, list) and len(audiences) > 1
    if claims.get("azp", None if several else expected.client_id) != expected.client_id:
        raise UntrustedIdTokenError("made for another client")


def _check_times(claims: Claims, *, now: float) -> None:
    # `type`, not isinstance: True and Infinity are no times. 1.7e9, which JSON allows, is refused with them.
    if type(claims["exp"]) is not int or type(claims["iat"]) is not int:
        raise UntrustedIdTokenError("a time that is none")
    if claims["exp"] <= now - LEEWAY_SECONDS:
        raise UntrustedIdTokenError("expired")
    if claims["iat"] > now + LEEWAY_SECONDS:
        raise UntrustedIdTokenError("issued in the future")
    if claims["iat"] < now - ATTEMPT_SECONDS:
        raise UntrustedIdTokenError("issued before this attempt began")


def _check_proof_time(claims: Claims, *, max_age: int | None, now: float) -> None:
    """When the issuer last saw its user prove who they are."""
    proved = claims.get("auth_time")
    if proved is None and max_age is None:
        return
    if type(proved) is not int or proved < 0:
        raise UntrustedIdTokenError("no time of the proof")
    if proved > now + LEEWAY_SECONDS:
        raise UntrustedIdTokenError("proved in the future")
    # The issuer judges the age as its user arrives; from there to us the attempt may take all its time.
    if max_age is not None and proved < now - max_age - ATTEMPT_SECONDS - LEEWAY_SECONDS:
        raise UntrustedIdTokenError("proved too long ago")
