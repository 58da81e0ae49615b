"""Invitations: by link and address together, once, for a week."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient, Response
from sqlalchemy import text

from app.core.db import Tenant
from app.core.ids import new_id
from app.core.principal import MembershipRole
from app.organizations.invitations.tokens import InvitationTokens
from app.organizations.repository import OrganizationRepository
from tests.accounts.post import client_of
from tests.factories import Factory, Person
from tests.organizations.audited import audited

pytestmark = pytest.mark.integration
URL = "/api/v1/organizations"
OWNER = MembershipRole.OWNER


@pytest.fixture
async def charlie(factory: Factory, charlie: Person) -> Person:
    """He has confirmed his address."""
    await factory.verify(charlie)
    return charlie


@pytest.fixture
async def lab(client: AsyncClient, factory: Factory, alice: Person) -> Person:
    made = await client.post(URL, headers=alice.headers, json={"name": "Lab"})
    return await factory.elsewhere(alice, UUID(made.json()["id"]), role=OWNER)


async def invite(client: AsyncClient, actor: Person, email: str, role: str = "member") -> Response:
    url = f"{URL}/{actor.organization_id}/invitations"
    return await client.post(url, headers=actor.headers, json={"email": email, "role": role})


async def accept(client: AsyncClient, person: Person, organization_id: UUID, token: str) -> Response:
    url = f"{URL}/{organization_id}/invitations/accept"
    return await client.post(url, headers=person.headers, json={"token": token})


async def add_member(app: FastAPI, lab: Person, person: Person) -> None:
    async with app.state.database.transaction(Tenant(lab.organization_id)) as session:
        organizations = OrganizationRepository(session, lab.organization_id)
        await organizations.add_member(person.user_id, role=MembershipRole.VIEWER)


async def invited(client: AsyncClient, lab: Person) -> dict[str, Any]:  # Any: JSON
    answer = await invite(client, lab, "charlie@example.com")
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def code(answer: Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_nobody_is_invited_to_a_personal_organization(client: AsyncClient, alice: Person) -> None:
    assert code(await invite(client, alice, "x@example.com")) == (409, "personal_organization")


async def test_an_admin_invites_no_admin(client: AsyncClient, factory: Factory, lab: Person) -> None:
    admin = await factory.member("adam", lab.organization_id, role=MembershipRole.ADMIN)
    assert code(await invite(client, admin, "x@example.com", "admin")) == (403, "role_not_manageable")


async def test_a_member_is_not_invited_again(client: AsyncClient, lab: Person) -> None:
    assert code(await invite(client, lab, "ALICE@example.com")) == (409, "already_member")


async def test_an_address_is_invited_once_at_a_time(client: AsyncClient, lab: Person) -> None:
    answers = await asyncio.gather(*(invite(client, lab, "x@example.com") for _ in range(2)))
    assert sorted(answer.status_code for answer in answers) == [201, 409]


async def test_invitations_and_members_together_fill_the_plan(
    client: AsyncClient, factory: Factory, lab: Person
) -> None:
    for number in range(3):
        role = MembershipRole.MEMBER
        await factory.member(f"member-{number}", lab.organization_id, role=role)
    assert (await invite(client, lab, "x@example.com")).status_code == 201
    assert code(await invite(client, lab, "y@example.com")) == (409, "too_many_members")


async def test_the_link_without_the_address_is_nothing(client: AsyncClient, lab: Person, bob: Person) -> None:
    found = await invited(client, lab)
    answer = await accept(client, bob, lab.organization_id, found["token"])
    assert code(answer) == (404, "invitation_not_found")


@pytest.mark.parametrize("change", ["", "x", "A" * 48])
async def test_a_forged_link_is_nothing(
    client: AsyncClient, lab: Person, charlie: Person, change: str
) -> None:
    token = (await invited(client, lab))["token"]
    answer = await accept(client, charlie, lab.organization_id, f"{token[:-1]}{change}")
    assert answer.status_code in {404, 422}


async def test_an_admin_withdraws_no_invitation_of_an_admin(
    client: AsyncClient, factory: Factory, lab: Person
) -> None:
    admin = await factory.member("adam", lab.organization_id, role=MembershipRole.ADMIN)
    made = await invite(client, lab, "x@example.com", "admin")
    url = f"{URL}/{lab.organization_id}/invitations/{made.json()['id']}"
    assert code(await client.delete(url, headers=admin.headers)) == (403, "role_not_manageable")


async def test_an_address_that_nobody_has_confirmed_is_nobodys(
    client: AsyncClient, factory: Factory, lab: Person
) -> None:
    squatter = await factory.person("dora")
    token = (await invite(client, lab, "dora@example.com")).json()["token"]
    answer = await accept(client, squatter, lab.organization_id, token)
    assert code(answer) == (403, "address_not_verified")


async def test_an_api_key_invites_no_owner(client: AsyncClient, factory: Factory, lab: Person) -> None:
    robot = await factory.robot(lab)
    url = f"{URL}/{lab.organization_id}/invitations"
    body = {"email": "thief@example.com", "role": "owner"}
    assert code(await client.post(url, headers=robot.headers, json=body)) == (403, "recent_login_required")


async def test_who_lost_the_role_does_not_come_back_by_an_invitation_of_before(
    client: AsyncClient, factory: Factory, lab: Person, charlie: Person
) -> None:
    token = (await invite(client, lab, "charlie@example.com", "owner")).json()["token"]
    other = await factory.member("olga", lab.organization_id, role=OWNER)
    url = f"{URL}/{lab.organization_id}/members/{lab.user_id}"
    assert (await client.patch(url, headers=other.headers, json={"role": "viewer"})).status_code == 200
    answer = await accept(client, charlie, lab.organization_id, token)
    assert code(answer) == (404, "invitation_not_found")


async def test_who_is_deactivated_does_not_come_back_by_an_invitation_of_before(
    client: AsyncClient, factory: Factory, lab: Person, charlie: Person
) -> None:
    token = (await invite(client, lab, "charlie@example.com", "owner")).json()["token"]
    await factory.deactivate(lab)
    answer = await accept(client, charlie, lab.organization_id, token)
    assert code(answer) == (404, "invitation_not_found")


async def test_a_mailbox_is_invited_three_times_an_hour_from_wherever(app: FastAPI, lab: Person) -> None:
    for number in range(3):
        async with client_of(app, address=f"10.0.{number}.1") as elsewhere:
            made = await invite(elsewhere, lab, "x@example.com")
            url = f"{URL}/{lab.organization_id}/invitations/{made.json()['id']}"
            await elsewhere.delete(url, headers=lab.headers)
    async with client_of(app, address="10.0.9.1") as elsewhere:
        assert (await invite(elsewhere, lab, "x@example.com")).status_code == 429


async def test_who_has_joined_otherwise_is_told(
    client: AsyncClient, app: FastAPI, lab: Person, charlie: Person
) -> None:
    token = (await invited(client, lab))["token"]
    await add_member(app, lab, charlie)
    assert code(await accept(client, charlie, lab.organization_id, token)) == (409, "already_member")


async def test_a_plan_that_has_filled_up_meanwhile_takes_nobody(
    client: AsyncClient, factory: Factory, lab: Person, charlie: Person
) -> None:
    token = (await invited(client, lab))["token"]
    for number in range(4):
        await factory.member(f"member-{number}", lab.organization_id, role=MembershipRole.MEMBER)
    assert code(await accept(client, charlie, lab.organization_id, token)) == (409, "too_many_members")


async def test_nobody_joins_an_organization_that_is_deleted(
    client: AsyncClient, lab: Person, charlie: Person
) -> None:
    token = (await invited(client, lab))["token"]
    await client.delete(f"{URL}/{lab.organization_id}", headers=lab.headers)
    answer = await accept(client, charlie, lab.organization_id, token)
    assert code(answer) == (404, "invitation_not_found")


async def test_a_link_of_another_organization_is_nothing(
    client: AsyncClient, lab: Person, charlie: Person
) -> None:
    found = await invited(client, lab)
    for organization_id in (charlie.organization_id, new_id()):
        answer = await accept(client, charlie, organization_id, found["token"])
        assert code(answer) == (404, "invitation_not_found")


async def test_an_expired_or_withdrawn_link_is_nothing_and_can_be_sent_anew(
    client: AsyncClient, app: FastAPI, lab: Person, charlie: Person
) -> None:
    expired = await invited(client, lab)
    async with app.state.database.transaction(Tenant(lab.organization_id)) as session:
        past = datetime.now(UTC) - timedelta(seconds=1)
        await session.execute(text("UPDATE invitations SET expires_at = :past"), {"past": past})
    withdrawn = await invited(client, lab)
    url = f"{URL}/{lab.organization_id}/invitations/{withdrawn['id']}"
    assert (await client.delete(url, headers=lab.headers)).status_code == 204
    for found in (expired, withdrawn):
        answer = await accept(client, charlie, lab.organization_id, found["token"])
        assert code(answer) == (404, "invitation_not_found")
    assert (await client.delete(url, headers=lab.headers)).status_code == 404


async def test_an_invitation_is_accepted_once_by_its_address(
    client: AsyncClient, app: FastAPI, lab: Person, charlie: Person
) -> None:
    token = (await invited(client, lab))["token"]
    answers = await asyncio.gather(*(accept(client, charlie, lab.organization_id, token) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [200, 404, 404]
    joined = next(answer.json() for answer in answers if answer.status_code == 200)
    assert (joined["name"], joined["role"]) == ("Lab", "member")
    assert await audited(app, lab) == ["organization_created", "member_invited", "member_joined"]


async def test_open_invitations_are_listed_without_their_secret(client: AsyncClient, lab: Person) -> None:
    found = await invited(client, lab)
    listed = await client.get(f"{URL}/{lab.organization_id}/invitations", headers=lab.headers)
    assert [item["email"] for item in listed.json()["items"]] == ["charlie@example.com"]
    assert found["token"] not in listed.text
    assert found["accept_url"].endswith(f"#token={found['token']}&organization={lab.organization_id}")


async def test_the_secret_lies_neither_in_the_table_nor_in_the_queue(
    client: AsyncClient, app: FastAPI, lab: Person
) -> None:
    token = (await invited(client, lab))["token"]
    async with app.state.database.transaction(Tenant(lab.organization_id)) as session:
        rows = await session.scalars(
            text(
                "SELECT row_to_json(i)::text FROM invitations i"
                " UNION ALL SELECT args::text FROM procrastinate_jobs"
            )
        )
        kept = list(rows)
    assert len(kept) >= 2
    assert not [row for row in kept if token in row]


def test_a_token_is_spelled_in_one_way_only() -> None:
    tokens, invitation_id = InvitationTokens.from_secret("s" * 40), new_id()
    token = tokens.mint(invitation_id)
    assert tokens.parse(token) == invitation_id
    for other in (f"{token}=", token[:-1], token.upper(), f"{token[:-1]}\u00e9", f"inv2_{token[5:]}"):
        assert tokens.parse(other) is None
    assert InvitationTokens.from_secret("t" * 40).parse(token) is None
