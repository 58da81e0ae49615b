"""What a key may be given, and for how long."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from app.api_keys.errors import ScopeNotGrantableError
from app.api_keys.models import ApiKey
from app.core.errors import FieldFault, ValidationFailedError
from app.core.principal import KEY_SCOPES, MEMBERSHIP_SCOPES, MembershipRole, Principal, Scope

DEFAULT_LIFETIME = timedelta(days=90)
MAX_LIFETIME = timedelta(days=366)


def scopes_for_keys(role: MembershipRole) -> frozenset[Scope]:
    """All that a key of such a member may have; a staff role gives a key nothing."""
    return MEMBERSHIP_SCOPES[role] & KEY_SCOPES


def granted_scopes(
    principal: Principal, wanted: Iterable[Scope] | None, *, held: Iterable[str] = ()
) -> list[str]:
    """All that the maker may give where none are asked for; what the key holds already it may keep.

    Raises ScopeNotGrantableError.
    """
    grantable = principal.scopes & scopes_for_keys(principal.membership_role)
    if wanted is None:
        return sorted(grantable)
    asked = {str(scope) for scope in wanted}
    if refused := sorted(asked - grantable - set(held)):
        raise ScopeNotGrantableError(f"Not grantable to a key of yours: {' '.join(refused)}")
    return sorted(asked)


def inherited_scopes(principal: Principal, key: ApiKey) -> list[str]:
    """A successor's: the same, without what its owner's role no longer allows.

    Raises ScopeNotGrantableError: a session of fewer scopes would be handed a secret of more.
    """
    allowed = scopes_for_keys(principal.membership_role)
    return granted_scopes(principal, allowed & {Scope(scope) for scope in key.scopes})


def expiry(wanted: datetime | None) -> datetime:
    """Raises ValidationFailedError."""
    now = datetime.now(UTC)
    expires_at = wanted or now + DEFAULT_LIFETIME
    if not now < expires_at <= now + MAX_LIFETIME:
        fault = FieldFault("/expires_at", "out_of_range", "must lie in the future, within a year")
        raise ValidationFailedError(faults=[fault])
    return expires_at


def inherited_expiry(key: ApiKey) -> datetime:
    """A successor lives as long again as the key was made for."""
    return datetime.now(UTC) + min(key.expires_at - key.created_at, MAX_LIFETIME)
