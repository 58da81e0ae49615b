"""Whom of the staff may change whom, cell by cell."""

import itertools

import pytest

from app.admin.rules import MANAGES, may_manage
from app.core.principal import StaffRole

pytestmark = pytest.mark.unit

U, M, A, S = StaffRole
ALLOWED = {(actor, touched) for actor in (A, S) for touched in (U, M, A)}


@pytest.mark.parametrize(("actor", "touched"), list(itertools.product(StaffRole, repeat=2)))
def test_each_cell_of_the_table(actor: StaffRole, touched: StaffRole) -> None:
    assert may_manage(actor, touched) == ((actor, touched) in ALLOWED)


def test_nobody_makes_or_unmakes_a_super_admin() -> None:
    assert not any(S in managed for managed in MANAGES.values())
    assert not may_manage(S, U, S)
    assert not may_manage(S, S, U)
