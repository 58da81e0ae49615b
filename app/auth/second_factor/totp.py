"""Time-based codes (RFC 6238) of six digits and 30 seconds, as every authenticator app makes them. Pure."""

import re
import secrets
from base64 import b32encode
from hmac import compare_digest

from pyotp import TOTP

ISSUER = "Precis"
SECRET_BYTES = 20  # RFC 4226, section 4: the recommended 160 bits
WINDOW_STEPS = 1  # a clock may be this many steps off, either way

_CODE = re.compile(r"[0-9]{6}")


def new_secret() -> str:
    """In base32, which is how people type it into an app."""
    return b32encode(secrets.token_bytes(SECRET_BYTES)).decode()


def provisioning_uri(secret: str, *, account: str) -> str:
    """What the QR code says: https://github.com/google/google-authenticator/wiki/Key-Uri-Format."""
    return TOTP(secret).provisioning_uri(name=account, issuer_name=ISSUER)


def is_code(text: str) -> bool:
    return _CODE.fullmatch(text) is not None


def match_step(secret: str, code: str, *, now: float, after: int) -> int | None:
    """The time step whose code this is, within the window and later than `after`. `now` in epoch seconds."""
    totp = TOTP(secret)
    current = totp.timecode(now)
    for step in range(current - WINDOW_STEPS, current + WINDOW_STEPS + 1):
        if step > after and compare_digest(totp.generate_otp(step), code):
            return step
    return None
