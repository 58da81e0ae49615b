"""Every limit once, by name: a route names its limit, this table holds the numbers."""

import hashlib
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from limits import RateLimitItem, parse

from app.core.gcra import Bucket, Quota
from app.core.plans import PLANS
from app.core.principal import Plan


class Limit(StrEnum):
    LOGIN = "login"
    LOGIN_ACCOUNT = "login_account"
    LOGIN_ALL = "login_all"
    OAUTH_START = "oauth_start"
    REGISTER = "register"
    INVITATION = "invitation"
    PASSWORD_MAIL = "password_mail"  # noqa: S105  # a limit's name
    VERIFY_MAIL = "verify_mail"
    REFRESH = "refresh"
    PASSWORD_CHANGE = "password_change"  # noqa: S105  # a limit's name
    BAD_CREDENTIAL = "bad_credential"
    ORGANIZATION = "organization"
    SUMMARIES_CREATE = "summaries_create"
    API_KEY = "api_key"
    LEAK_REPORT = "leak_report"
    EXPORT = "export"
    IMPORT = "import"
    SUMMARIES_EXPORT = "summaries_export"
    PUBLIC_READ = "public_read"


PER_CLIENT: Mapping[Limit, str] = {
    Limit.LOGIN: "5/minute",
    # Of clients that the account does not know, from however many addresses: lock-out bounds the guesses,
    # this the work that goes on while it is locked.
    Limit.LOGIN_ACCOUNT: "20/minute",
    # Of such clients at all accounts: a quarter of what one hashing thread can do (25 ms each), so that a
    # storm of guesses leaves the rest to devices that are known, to registrations and password changes.
    Limit.LOGIN_ALL: "600/minute",
    # Costs no hash and no row; the way back counts as a login.
    Limit.OAUTH_START: "20/minute",
    Limit.REGISTER: "3/hour",
    Limit.PASSWORD_MAIL: "3/hour",
    Limit.INVITATION: "3/hour",
    Limit.VERIFY_MAIL: "3/hour",
    Limit.REFRESH: "30/minute",
    Limit.PASSWORD_CHANGE: "10/hour",
    Limit.BAD_CREDENTIAL: "60/minute",
    Limit.LEAK_REPORT: "30/minute",
    Limit.EXPORT: "3/hour",
    # Of an organisation; each takes up to a thousand rows.
    Limit.IMPORT: "30/hour",
    # By person. One of a million rows is a minute of PostgreSQL's time.
    Limit.SUMMARIES_EXPORT: "10/hour",
    # Shared pages and feeds: an office behind one address, and a feed reader with many customers.
    Limit.PUBLIC_READ: "120/minute",
}
PER_PLAN: Mapping[Limit, Mapping[Plan, str]] = {
    Limit.ORGANIZATION: {plan: f"{terms.requests_per_minute}/minute" for plan, terms in PLANS.items()},
    Limit.SUMMARIES_CREATE: {plan: f"{terms.summaries_per_minute}/minute" for plan, terms in PLANS.items()},
}


class Hit(NamedTuple):
    """One request counted against one limit.

    `tenant` (an organisation's id, an address, a session's id) says whose bucket, `key` which of theirs.
    Never a value that nobody has verified, or whoever sends another each time is never limited.
    `per_minute` is an API key's own rate, in place of the table's.
    """

    limit: Limit
    tenant: str
    key: str = ""
    plan: Plan = Plan.FREE
    per_minute: int | None = None

    @property
    def rate(self) -> RateLimitItem:
        return _rate(self.limit, self.plan, self.per_minute)

    def bucket(self, scale: float) -> Bucket:
        # {tenant} is what Redis Cluster shards by: all buckets of one request must be on one node.
        quota = _quota(self.limit, self.plan, self.per_minute, scale)
        return Bucket(f"limit:{{{self.tenant}}}:{self.limit}:{self.key}", quota)


@lru_cache(maxsize=1024)
def _rate(limit: Limit, plan: Plan, per_minute: int | None) -> RateLimitItem:
    if per_minute is not None:
        return parse(f"{per_minute}/minute")
    plans = PER_PLAN.get(limit)
    return parse(plans[plan] if plans else PER_CLIENT[limit])


@lru_cache(maxsize=1024)
def _quota(limit: Limit, plan: Plan, per_minute: int | None, scale: float) -> Quota:
    rate = _rate(limit, plan, per_minute)
    return Quota(rate.amount, rate.get_expiry()).scaled(scale)


def private_key(text: str) -> str:
    """A bucket's name for a mail address or the like, which must not stand in Redis."""
    return hashlib.sha256(text.strip().casefold().encode()).hexdigest()[:32]
