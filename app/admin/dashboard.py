"""The kept counts, as staff see them."""

from datetime import datetime

from app.admin.schemas import Counts, Dashboard, ErrorCounts, OrganizationCounts, QueueCounts
from app.admin.vocabulary import Tallies
from app.core.principal import Plan, StaffRole


def show(tallies: Tallies, *, now: datetime, oldest_waiting_seconds: float | None) -> Dashboard:
    users = _pairs(tallies.of("users"))
    active = sum(many for (_, state), many in users.items() if state == "active")
    jobs = tallies.of("jobs")
    return Dashboard(
        total_users=sum(users.values()),
        active_users=active,
        inactive_users=sum(users.values()) - active,
        users_by_role={
            str(role): sum(users.get((role, state), 0) for state in ("active", "inactive"))
            for role in StaffRole
        },
        organizations=_organizations(_pairs(tallies.of("organizations"))),
        summaries_by_status={state: many for state, many in tallies.of("summaries").items() if many},
        queue=QueueCounts(
            waiting=jobs.get("todo", 0),
            running=jobs.get("doing", 0),
            failed=jobs.get("failed", 0),
            oldest_waiting_seconds=oldest_waiting_seconds,
        ),
        errors_today=_errors(tallies.of("failures"), day=f"{now:%Y-%m-%d}"),
    )


def _pairs(counts: Counts) -> dict[tuple[str, str], int]:
    return {
        (first, second): many for name, many in counts.items() for first, _, second in [name.partition("/")]
    }


def _organizations(counts: dict[tuple[str, str], int]) -> OrganizationCounts:
    present = {key: many for key, many in counts.items() if key[1] != "deleted"}
    return OrganizationCounts(
        total=sum(present.values()),
        suspended=sum(many for (_, state), many in present.items() if state == "suspended"),
        deleted=sum(counts.values()) - sum(present.values()),
        by_plan={str(plan): sum(many for (of, _), many in present.items() if of == plan) for plan in Plan},
    )


def _errors(counts: Counts, *, day: str) -> ErrorCounts:
    today = {name.removeprefix(f"{day}/"): many for name, many in counts.items() if name.startswith(day)}
    by_kind = {
        kind: {name.removeprefix(kind): many for name, many in today.items() if name.startswith(kind)}
        for kind in ("summary/", "job/")
    }
    return ErrorCounts(total=sum(today.values()), summaries=by_kind["summary/"], jobs=by_kind["job/"])
