"""Two tenants and all they have: the one that is attacked, and the ones that attack it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from httpx2 import AsyncClient, Response

from app.core.guard import InvalidCredentialError
from app.core.ids import new_id
from app.core.principal import MembershipRole, Principal
from app.organizations.invitations.tokens import InvitationTokens
from tests.factories import Factory, Person

# Stands in every name and text of the attacked tenant, and nowhere else.
MARK = "xyzzy"
TEXT = f"The {MARK} lighthouse speaks in flashes, and every one of them has a rhythm of its own. " * 5


@dataclass(frozen=True, slots=True)
class Holding:
    """A tenant: its owner, and one of everything by the name of its path parameter."""

    owner: Person
    ids: dict[str, UUID]
    tokens: InvitationTokens

    @property
    def invitation_token(self) -> str:
        return self.tokens.mint(self.ids["invitation_id"])

    @property
    def organization_id(self) -> UUID:
        return self.owner.organization_id

    @property
    def secrets(self) -> set[str]:
        """What nobody else may be told."""
        return {MARK, *map(str, self.ids.values()), str(self.owner.user_id), str(self.owner.session_id)}


def nothing_of(holding: Holding) -> Holding:
    """The same, of ids that never were."""
    ids = {name: new_id() for name in holding.ids}
    owner = replace(holding.owner, organization_id=ids["organization_id"], user_id=new_id())
    return replace(holding, owner=owner, ids=ids)


def within(attacker: Holding, other: Holding) -> Holding:
    """The other's objects, looked for in the attacker's own organisation."""
    return replace(other, ids={**other.ids, "organization_id": attacker.organization_id})


@dataclass(frozen=True, slots=True)
class Builder:
    client: AsyncClient
    factory: Factory
    tokens: InvitationTokens

    async def holding(self, name: str) -> Holding:
        owner = await self.factory.person(name)
        await self.factory.share(owner.organization_id)
        member = await self.factory.member(f"{name}_m", owner.organization_id, role=MembershipRole.MEMBER)
        key = await self._make(owner, "/api/v1/api-keys", {"name": name})
        invited = await self._make(
            owner,
            f"/api/v1/organizations/{owner.organization_id}/invitations",
            {"email": f"{name}_guest@example.com"},
        )
        ids = {
            "organization_id": owner.organization_id,
            "user_id": member.user_id,
            "invitation_id": UUID(invited["id"]),
            "summary_id": await self.summary(owner, name),
            "key_id": UUID(key["id"]),
            "session_id": (await self.factory.with_scopes(owner)).session_id,
            "job_id": new_id(),
            **await self.webhook(owner),
        }
        return Holding(owner, ids, self.tokens)

    async def summary(self, owner: Person, name: str) -> UUID:
        """One that the whole organisation reads: only the tenant's walls stand before it."""
        text = TEXT if MARK in name else TEXT.replace(MARK, "tall")
        wanted = {"text": text, "title": name, "tags": [name], "visibility": "organization"}
        summary_id = UUID((await self._make(owner, "/api/v1/summaries", wanted))["id"])
        for _ in range(2):
            # So that it lies in the cache, where no row-level security is.
            read = await self.client.get(f"/api/v1/summaries/{summary_id}", headers=owner.headers)
            assert read.status_code == 200
        return summary_id

    async def webhook(self, owner: Person) -> dict[str, UUID]:
        wanted = {"url": "https://example.com/hook", "events": ["summary.ready"]}
        webhook = await self._make(owner, "/api/v1/webhooks", wanted)
        tested = await self._make(owner, f"/api/v1/webhooks/{webhook['id']}/test", {})
        return {"webhook_id": UUID(webhook["id"]), "delivery_id": UUID(tested["id"])}

    async def _make(self, owner: Person, path: str, body: Mapping[str, object]) -> dict[str, str]:
        answer = await self.client.post(path, headers=owner.headers, json=body)
        assert answer.status_code in {201, 202}, answer.text
        made: dict[str, str] = answer.json()
        return made


class Doorman:
    """Knows people by sight: a guard that asks neither PostgreSQL nor Redis, and can be told a lie."""

    def __init__(self) -> None:
        self._known: dict[str, Principal] = {}

    def admit(self, principal: Principal) -> dict[str, str]:
        """The headers by which the app takes its sender for this principal."""
        credential = f"known-{principal.credential_id}"
        self._known[credential] = principal
        return {"Authorization": f"Bearer {credential}"}

    def recognises(self, credential: str) -> bool:
        return credential in self._known

    def expected(self, credential: str) -> Principal | None:
        return self._known.get(credential)

    async def authenticate(self, credential: str, *, address: str | None) -> Principal:
        if address is None:
            raise InvalidCredentialError
        return self._known[credential]


def told(answer: Response) -> tuple[int, dict[str, str], str]:
    """All that a client learns, but what differs between two requests by itself."""
    changing = {"x-request-id", "date"}
    headers = {
        name: value
        for name, value in answer.headers.items()
        if name not in changing and not name.startswith(("ratelimit", "x-ratelimit"))
    }
    return answer.status_code, headers, answer.text.replace(answer.headers["X-Request-ID"], "")
