"""Who a provider says somebody is, with every field checked: it comes from another party's JSON."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from email_validator import EmailNotValidError, validate_email

Json = Mapping[str, Any]  # Any: JSON values

MAX_SUBJECT_CHARACTERS = 255
MAX_EMAIL_CHARACTERS = 254
MAX_NAME_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class Identity:
    """`email` is in lower case, and there only where the provider vouches for it. `username` is a wish.

    `proved_at`: when the provider last saw this person prove who they are; None: it does not say.
    """

    issuer: str
    subject: str
    email: str | None
    name: str | None
    username: str | None
    proved_at: datetime | None = None


def read_subject(value: object) -> str | None:
    """A string of visible ASCII (OpenID Connect Core, 2), or a whole number, which is what GitHub has."""
    text = str(value) if type(value) is int else value
    if not isinstance(text, str) or not text or len(text) > MAX_SUBJECT_CHARACTERS:
        return None
    return text if text.isascii() and text.isprintable() else None


def read_email(value: object, *, verified: object) -> str | None:
    """None unless verified: True, or "true", which Apple and Cognito send; no other value that is truthy.

    None beyond ASCII too: accounts are not joined by letters that look alike, or change with their case.
    """
    if verified not in (True, "true") or type(verified) not in (bool, str) or not isinstance(value, str):
        return None
    if not value.isascii() or len(value) > MAX_EMAIL_CHARACTERS:
        return None
    try:
        return validate_email(value, check_deliverability=False).normalized.lower()
    except EmailNotValidError:
        return None


def read_name(value: object) -> str | None:
    """Cut to our length, without what PostgreSQL cannot store or a terminal would obey."""
    if not isinstance(value, str):
        return None
    return "".join(letter for letter in value if letter.isprintable())[:MAX_NAME_CHARACTERS].strip() or None


def read_proof_time(claims: Json) -> datetime | None:
    """Of an ID token that was verified: nothing else says it under a signature."""
    seconds = claims.get("auth_time")
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def from_claims(claims: Json, *, issuer: str, proved_at: datetime | None) -> Identity | None:
    """An ID token's or a userinfo answer's claims (OpenID Connect Core, 5.1); None without a subject."""
    subject = read_subject(claims.get("sub"))
    if subject is None:
        return None
    return Identity(
        issuer=issuer,
        subject=subject,
        email=read_email(claims.get("email"), verified=claims.get("email_verified")),
        name=read_name(claims.get("name")),
        username=read_name(claims.get("preferred_username")),
        proved_at=proved_at,
    )
