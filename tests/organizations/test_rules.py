"""The one table of who manages whom, as a matrix."""

import itertools

import pytest

from app.core.principal import MembershipRole
from app.organizations.rules import may_manage

pytestmark = pytest.mark.unit

VIEWER, MEMBER, ADMIN, OWNER = MembershipRole
# (actor, before, after): everything that is allowed. The rest is not.
ALLOWED = {
    *((ADMIN, before, after) for before in (VIEWER, MEMBER) for after in (VIEWER, MEMBER)),
    *((OWNER, before, after) for before in MembershipRole for after in MembershipRole),
}


@pytest.mark.parametrize(
    ("actor", "before", "after"), list(itertools.product(MembershipRole, MembershipRole, MembershipRole))
)
def test_only_what_the_table_names_is_allowed(
    actor: MembershipRole, before: MembershipRole, after: MembershipRole
) -> None:
    assert may_manage(actor, before, after) == ((actor, before, after) in ALLOWED)
