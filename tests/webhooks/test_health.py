from datetime import UTC, datetime, timedelta

import pytest

from app.core.ids import new_id
from app.webhooks.health import note_failure, pause_after
from app.webhooks.models import Webhook
from app.webhooks.vocabulary import DISABLE_AFTER, LONGEST_REST, PAUSES, DisabledReason, WebhookKind

pytestmark = pytest.mark.unit
NOW = datetime(2026, 11, 21, tzinfo=UTC)


def endpoint(*, failures: int = 0, failing_since: datetime | None = None) -> Webhook:
    ids = {"id": new_id(), "organization_id": new_id()}
    return Webhook(
        **ids, kind=WebhookKind.ENDPOINT, version=1, failures=failures, failing_since=failing_since
    )


def test_pauses_last_a_day_are_spread_and_end() -> None:
    for number, pause in enumerate(PAUSES, start=1):
        waited = pause_after(number)
        assert waited is not None
        assert pause <= waited <= 1.25 * pause
    assert pause_after(len(PAUSES) + 1) is None
    assert timedelta(days=1) < sum(PAUSES, timedelta()) < timedelta(days=1.5)


def test_callbacks_go_to_many_places_and_are_not_judged_by_one() -> None:
    callback = endpoint()
    callback.kind = WebhookKind.CALLBACK
    assert note_failure(callback, gone=True, now=NOW) is None
    assert (callback.failures, callback.resting_until) == (0, None)


def test_what_is_disabled_is_not_disabled_again() -> None:
    disabled = endpoint()
    disabled.disabled_at = NOW
    assert note_failure(disabled, gone=True, now=NOW) is None


def test_rests_grow_from_the_third_failure_on_and_are_bounded() -> None:
    rests = []
    for failures in (0, 1, 2, 3, 4, 50):
        webhook = endpoint(failures=failures)
        note_failure(webhook, gone=False, now=NOW)
        rests.append(webhook.resting_until and webhook.resting_until - NOW)
    five = timedelta(seconds=5)
    assert rests == [None, None, five, 2 * five, 4 * five, LONGEST_REST]


@pytest.mark.parametrize(
    ("failures", "days", "reason"),
    [(9, 5, DisabledReason.FAILING), (8, 5, None), (100, 4, None), (0, 0, None)],
)
def test_it_is_given_up_after_days_and_many_failures(
    failures: int, days: int, reason: DisabledReason | None
) -> None:
    webhook = endpoint(failures=failures, failing_since=NOW - timedelta(days=days))
    assert note_failure(webhook, gone=False, now=NOW) is reason
    assert webhook.enabled is (reason is None)
    assert DISABLE_AFTER.days == 5


def test_one_that_says_it_is_gone_is_believed_at_once() -> None:
    webhook = endpoint()
    assert note_failure(webhook, gone=True, now=NOW) is DisabledReason.GONE
    assert (webhook.disabled_reason, webhook.version) == (DisabledReason.GONE, 2)
