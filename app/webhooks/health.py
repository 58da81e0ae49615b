"""What an endpoint's tries say of it: whether it gets a rest, and when it is switched off."""

import random
from datetime import datetime, timedelta

from app.webhooks.models import Webhook
from app.webhooks.vocabulary import (
    DISABLE_AFTER,
    DISABLE_AFTER_FAILURES,
    FAILURES_BEFORE_REST,
    FIRST_REST,
    LONGEST_REST,
    PAUSES,
    DisabledReason,
    WebhookKind,
)


def pause_after(failed_tries: int) -> timedelta | None:
    """Before the next try; None where that was the last one.

    By chance up to a quarter longer: what failed together does not come back together.
    """
    if failed_tries > len(PAUSES):
        return None
    spread = random.uniform(1, 1.25)  # noqa: S311  # no secret
    return PAUSES[failed_tries - 1] * spread


def note_failure(webhook: Webhook, *, gone: bool, now: datetime) -> DisabledReason | None:
    """Why it is switched off now, if it is. Callbacks go to many places: one says nothing of the next."""
    if webhook.kind == WebhookKind.CALLBACK or not webhook.enabled:
        return None
    webhook.failures += 1
    webhook.failing_since = webhook.failing_since or now
    webhook.resting_until = _rest(webhook.failures, now)
    reason = DisabledReason.GONE if gone else _given_up(webhook, now)
    if reason is not None:
        webhook.disabled_at = now
        webhook.disabled_reason = reason
        webhook.version += 1
        webhook.updated_at = now
    return reason


def _rest(failures: int, now: datetime) -> datetime | None:
    beyond = failures - FAILURES_BEFORE_REST
    if beyond < 0:
        return None
    rest: timedelta = min(FIRST_REST * 2 ** min(beyond, 10), LONGEST_REST)
    return now + rest


def _given_up(webhook: Webhook, now: datetime) -> DisabledReason | None:
    since = webhook.failing_since or now
    if now - since >= DISABLE_AFTER and webhook.failures >= DISABLE_AFTER_FAILURES:
        return DisabledReason.FAILING
    return None
