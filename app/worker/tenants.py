"""Tenants in figures: by plan, by how much of the month's quota is used, and the largest without their names.

An organisation's id as a label would be a series for each, for ever: whoever must know who is first asks
the staff's dashboard.
"""

from datetime import UTC, datetime

from prometheus_client import Gauge

from app.core.db import Database
from app.core.plans import PLANS
from app.core.principal import Plan
from app.worker.queries import tenant_measures

INTERVAL_SECONDS = 60.0
BANDS = ("none", "under_50", "50_to_80", "80_to_100", "exhausted", "unlimited")
RANKS = (*(str(place) for place in range(1, 21)), "rest")

TENANTS = Gauge(
    "precis_tenants",
    "Organisations that are not on their way out, by plan.",
    ["plan"],
    multiprocess_mode="livemax",
)
BY_QUOTA = Gauge(
    "precis_tenants_by_quota",
    "Organisations by how many per cent of this month's summaries they have used.",
    ["band"],
    multiprocess_mode="livemax",
)
SUMMARIES = Gauge(
    "precis_tenant_summaries",
    "Summaries of this month of the 20 largest organisations, by rank, and of all others together.",
    ["rank"],
    multiprocess_mode="livemax",
)
# By the name that `measure_tenants` gives each, with all its labels: what is not measured is 0.
GAUGES = {"plan": (TENANTS, tuple(Plan)), "band": (BY_QUOTA, BANDS), "rank": (SUMMARIES, RANKS)}
for _gauge, _labels in GAUGES.values():
    for _label in _labels:
        _gauge.labels(_label)


async def set_tenant_gauges(database: Database) -> None:
    month = datetime.now(UTC).date().replace(day=1)
    quotas = {plan: terms.summaries_per_month for plan, terms in PLANS.items()}
    async with database.transaction() as session:
        measured = await tenant_measures(session, quotas, month=month)
    for measure, (gauge, labels) in GAUGES.items():
        for label in labels:
            gauge.labels(label).set(measured.get((measure, label), 0))
