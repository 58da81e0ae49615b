"""What each role may do to members: the one table behind invitations, changes of role and removals."""

from app.core.principal import MembershipRole

_VIEWER, _MEMBER, _ADMIN, _OWNER = MembershipRole

# Whose membership somebody of this role may give, change or end: the role before and the one after count.
MANAGES: dict[MembershipRole, frozenset[MembershipRole]] = {
    _VIEWER: frozenset(),
    _MEMBER: frozenset(),
    _ADMIN: frozenset({_VIEWER, _MEMBER}),
    _OWNER: frozenset(MembershipRole),
}


def takes_a_recent_login(*touched: MembershipRole) -> bool:
    """Ownership is what a leaked key or an open session must not give away or take."""
    return MembershipRole.OWNER in touched


def may_manage(actor: MembershipRole, *touched: MembershipRole) -> bool:
    """`touched`: the member's role, and the one that it is to become."""
    return MANAGES[actor].issuperset(touched)
