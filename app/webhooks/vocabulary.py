"""The closed lists of deliveries, and the figures by which they are tried again."""

from datetime import timedelta
from enum import StrEnum

MAX_WEBHOOKS = 20
# After the first try at once: a little more than a day in all, each up to a quarter longer by chance.
PAUSES = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=10),
)
# Of one endpoint at a time, of one that fails at present, and of one organisation.
AT_ONCE = 4
AT_ONCE_WHEN_FAILING = 1
AT_ONCE_IN_ALL = 8
# From so many failures in a row on, an endpoint is left alone for a while, doubled each time: one that hangs
# costs a worker's place 15 s in some minutes, however much waits for it.
FAILURES_BEFORE_REST = 3
FIRST_REST = timedelta(seconds=5)
LONGEST_REST = timedelta(minutes=5)
# No try has succeeded for so long, and at least so many have failed: it is switched off.
DISABLE_AFTER = timedelta(days=5)
DISABLE_AFTER_FAILURES = 10
SECRETS_OVERLAP = timedelta(hours=24)
KEPT = timedelta(days=30)


class WebhookKind(StrEnum):
    """`callback`: the one row of an organisation that signs what summaries' own callbacks are sent."""

    ENDPOINT = "endpoint"
    CALLBACK = "callback"


class DeliveryStatus(StrEnum):
    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class DeliveryFailure(StrEnum):
    """Why the last try came to nothing."""

    DNS = "dns"
    CONNECT = "connect"
    TIMEOUT = "timeout"
    TLS = "tls"
    BLOCKED_ADDRESS = "blocked_address"
    HTTP_STATUS = "http_status"
    REDIRECT = "redirect"
    GONE = "gone"
    INVALID_RESPONSE = "invalid_response"
    INTERNAL = "internal"


class DisabledReason(StrEnum):
    BY_REQUEST = "by_request"
    GONE = "gone"
    FAILING = "failing"
