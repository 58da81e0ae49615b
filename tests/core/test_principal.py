"""What a login proved, and what that is worth."""

import json
from datetime import UTC, datetime

import pytest
from pydantic import TypeAdapter

from app.core.ids import new_id
from app.core.principal import Principal, StaffPolicy, StaffRole

pytestmark = pytest.mark.unit

REQUIRED = StaffPolicy(second_factor_required=True)
FREE = StaffPolicy(second_factor_required=False)


@pytest.mark.parametrize(
    ("policy", "amr", "role"),
    [
        (REQUIRED, [], StaffRole.USER),
        (REQUIRED, ["pwd"], StaffRole.USER),
        (REQUIRED, ["fed"], StaffRole.USER),
        (REQUIRED, ["pwd", "otp"], StaffRole.ADMIN),
        (REQUIRED, ["pwd", "rec"], StaffRole.ADMIN),
        (FREE, ["pwd"], StaffRole.ADMIN),
    ],
)
def test_a_staff_role_counts_when_it_is_proved(policy: StaffPolicy, amr: list[str], role: StaffRole) -> None:
    assert policy.proved(StaffRole.ADMIN, amr) is role


def test_what_a_former_version_remembered_is_no_recent_login() -> None:
    known = {
        **{name: str(new_id()) for name in ("user_id", "organization_id", "credential_id")},
        "kind": "user",
        "staff_role": "user",
        "membership_role": "owner",
        "plan": "free",
        "scopes": [],
    }
    principal = TypeAdapter(Principal).validate_json(json.dumps(known))
    assert (principal.amr, principal.withheld) == ((), frozenset())
    assert not principal.logged_in_recently(datetime.now(UTC))
