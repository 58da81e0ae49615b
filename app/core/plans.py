"""The plans: every number that a plan decides, in one table."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.core.principal import Plan

GIB = 1024**3


@dataclass(frozen=True, slots=True)
class PlanTerms:
    """`storage_bytes` of submitted and extracted text; `trash_days` is how long a deleted summary stays.

    Only the two rates are multiplied by RATE_LIMIT_SCALE; the monthly quota is not about speed.
    """

    requests_per_minute: int
    summaries_per_minute: int
    summaries_per_month: int
    storage_bytes: int
    members: int
    keys_per_member: int
    trash_days: int


PLANS: Mapping[Plan, PlanTerms] = {
    Plan.FREE: PlanTerms(100, 30, 1_000, 1 * GIB, 5, 50, 7),
    Plan.PRO: PlanTerms(1_000, 300, 50_000, 50 * GIB, 50, 50, 30),
    Plan.ENTERPRISE: PlanTerms(10_000, 3_000, 1_000_000, 1_000 * GIB, 1_000, 50, 90),
}
