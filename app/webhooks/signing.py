"""Secrets and signatures of Standard Webhooks (https://www.standardwebhooks.com)."""

import secrets
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from standardwebhooks import Webhook as Signer

from app.auth.second_factor.sealing import SecretSeal, UnsealableError
from app.core.derived_keys import derive_key
from app.webhooks.models import Webhook
from app.webhooks.vocabulary import SECRETS_OVERLAP

SECRET_BYTES = 32
PREFIX = "whsec_"

log = structlog.get_logger(__name__)


def new_secret() -> str:
    return PREFIX + b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def webhook_seal(signing_secret: str) -> SecretSeal:
    """Sealed, not hashed: signing needs the secret itself."""
    return SecretSeal(derive_key(signing_secret, purpose="webhook secrets"))


def give_secret(webhook: Webhook, seal: SecretSeal, *, now: datetime) -> str:
    """A new one; the former signs beside it for 24 hours more."""
    secret = new_secret()
    if webhook.secret is not None:
        webhook.former_secret = webhook.secret
        webhook.former_secret_until = now + SECRETS_OVERLAP
    webhook.secret = seal.seal(secret, owner=webhook.id)
    webhook.secret_changed_at = now
    return secret


def valid_secrets(webhook: Webhook, seal: SecretSeal, *, now: datetime) -> list[str]:
    """The newest first. One sealed under a SECRET_KEY that was replaced since is left out, and told to us."""
    sealed = [webhook.secret]
    if webhook.former_secret_until is not None and now < webhook.former_secret_until:
        sealed.append(webhook.former_secret)
    opened = [_opened(secret, webhook, seal) for secret in sealed if secret is not None]
    return [secret for secret in opened if secret is not None]


def _opened(sealed: bytes, webhook: Webhook, seal: SecretSeal) -> str | None:
    try:
        return seal.open(sealed, owner=webhook.id)
    except UnsealableError:
        log.exception("webhook_secret_unsealable", webhook_id=str(webhook.id))
        return None


@dataclass(frozen=True, slots=True)
class Message:
    """What goes over the wire, but for its signatures."""

    id: UUID
    url: str
    payload: str


def signed_headers(message: Message, secrets_: Sequence[str], *, now: datetime) -> dict[str, str]:
    """`now` is in UTC; the library reads whatever zone it is given as that."""
    signatures = [Signer(secret).sign(str(message.id), now, message.payload) for secret in secrets_]
    return {
        "webhook-id": str(message.id),
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
