"""Lets in at once whom nothing speaks against: no counted guess, no second factor, no end meanwhile.

It is asked whatever the password was, and where it comes to nothing it has locked and written nothing: so a
refusal costs the same whatever is wrong. Why, the judgement under locks then finds out.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from app.auth.issuing import TokenIssuer
from app.auth.lockout.clients import DeviceCookies, LoginClient
from app.auth.opening import ABSOLUTE_LIFETIME, MAX_USER_AGENT_CHARACTERS, Device, Login, SessionPolicy
from app.auth.plain_login.store import Account, Opening, open_session
from app.core.db import Database
from app.core.ids import new_id
from app.core.passwords import Verified
from app.core.principal import MembershipRole, StaffRole, allowed_scopes

AMR = ("pwd",)
# Nobody's: what a decoy is opened with, in vain.
NOBODY = Account(UUID(int=0), "", "", StaffRole.USER)


@dataclass(frozen=True, slots=True)
class Candidate:
    """The account that a login names, a decoy's id where there is none, and how its password compared."""

    account_id: UUID
    account: Account | None
    client: LoginClient
    verified: Verified


class PlainLogin:
    def __init__(
        self,
        policy: SessionPolicy,
        *,
        database: Database,
        issuer: TokenIssuer,
        devices: DeviceCookies,
        must_be_verified: bool,
    ) -> None:
        """`must_be_verified`: who has not proved the mail address is not let in here."""
        self._policy = policy
        self._database = database
        self._issuer = issuer
        self._devices = devices
        self._must_be_verified = must_be_verified

    async def open(self, candidate: Candidate, scopes: frozenset[str], *, device: Device) -> Login | None:
        """None, and nothing has changed, where anything speaks against it. `scopes` empty: all."""
        account = candidate.account or NOBODY
        role = self._policy.staff.proved(account.staff_role, AMR)
        device_id = candidate.client.device_id or new_id()
        now = datetime.now(UTC)
        opening = Opening(
            # An outdated hash is replaced where locks are held.
            proved=candidate.verified.ok and candidate.verified.replacement_hash is None,
            account_id=candidate.account_id,
            compared=account.hashed_password,
            staff_role=account.staff_role,
            must_be_verified=self._must_be_verified,
            clients=candidate.client.tallies,
            session_id=new_id(),
            device_id=device_id,
            scopes=_scopes_of(role, scopes),
            since=now,
            idle_until=now + self._policy.idle_lifetime,
            ends=now + ABSOLUTE_LIFETIME,
            address=device.address,
            user_agent=(device.user_agent or "")[:MAX_USER_AGENT_CHARACTERS],
        )
        live = await open_session(self._database, opening)
        if live is None:
            return None
        cookie = self._devices.issue(account.id, device_id) if device.remembered else None
        return Login(self._issuer.pair(live, role=role), account.id, account.username, cookie)


def _scopes_of(role: StaffRole, asked: frozenset[str]) -> dict[MembershipRole, list[str]]:
    """What each membership would give, as which one it is the statement finds."""
    allowed = {membership: allowed_scopes(role, membership) for membership in MembershipRole}
    return {name: sorted(scopes & asked if asked else scopes) for name, scopes in allowed.items()}
