"""The mail that invites: to the address that was invited, with a link that works, and nobody's own words."""

from uuid import UUID

import pytest
from httpx2 import AsyncClient

from app.core.principal import MembershipRole
from tests.accounts.post import Post, token_of
from tests.factories import Factory, Person

pytestmark = pytest.mark.integration
URL = "/api/v1/organizations"


async def lab_of(client: AsyncClient, factory: Factory, alice: Person, name: str = "Lab") -> Person:
    made = await client.post(URL, headers=alice.headers, json={"name": name})
    return await factory.elsewhere(alice, UUID(made.json()["id"]), role=MembershipRole.OWNER)


async def invite(client: AsyncClient, lab: Person) -> str:
    url = f"{URL}/{lab.organization_id}/invitations"
    made = await client.post(url, headers=lab.headers, json={"email": "charlie@example.com"})
    return str(made.json()["id"])


async def test_one_that_is_withdrawn_meanwhile_is_not_sent(
    client: AsyncClient, factory: Factory, post: Post, alice: Person
) -> None:
    lab = await lab_of(client, factory, alice)
    url = f"{URL}/{lab.organization_id}/invitations/{await invite(client, lab)}"
    assert (await client.delete(url, headers=lab.headers)).status_code == 204
    assert await post.deliver() == []


async def test_an_organizations_name_brings_no_link_into_the_mail(
    client: AsyncClient, factory: Factory, post: Post, alice: Person
) -> None:
    lab = await lab_of(client, factory, alice, name="<b>Win</b> https://evil.example/now")
    await invite(client, lab)
    (letter,) = await post.deliver()
    assert "https://evil" not in letter.text + letter.html
    assert "<b>Win" not in letter.html


async def test_the_link_of_the_mail_lets_its_reader_in(
    client: AsyncClient, factory: Factory, post: Post, alice: Person, charlie: Person
) -> None:
    await factory.verify(charlie)
    lab = await lab_of(client, factory, alice)
    await invite(client, lab)
    (letter,) = await post.deliver()
    token, organization = token_of(letter).split("&organization=")
    assert (letter.recipient, organization) == ("charlie@example.com", str(lab.organization_id))
    answer = await client.post(
        f"{URL}/{organization}/invitations/accept", headers=charlie.headers, json={"token": token}
    )
    assert answer.status_code == 200, answer.text
