"""Whom of the staff may change whom: the one table behind roles, locks and deactivation."""

from app.core.principal import StaffRole

_USER, _MODERATOR, _ADMIN, _SUPER_ADMIN = StaffRole

# Whose account somebody of this role may change: the role before and the one after count. Super admins are
# in no set: whoever holds an admin's session cannot lock out those who can take it away.
MANAGES: dict[StaffRole, frozenset[StaffRole]] = {
    _USER: frozenset(),
    _MODERATOR: frozenset(),
    _ADMIN: frozenset({_USER, _MODERATOR, _ADMIN}),
    _SUPER_ADMIN: frozenset({_USER, _MODERATOR, _ADMIN}),
}


def may_manage(actor: StaffRole, *touched: StaffRole) -> bool:
    """`touched`: the person's role, and the one that it is to become."""
    return MANAGES[actor].issuperset(touched)
