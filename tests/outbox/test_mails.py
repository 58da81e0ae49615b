"""A mail is asked for in the transaction that is its reason, or not at all."""

import json
from collections.abc import Mapping
from contextlib import suppress

import pytest
from fastapi import FastAPI

from app.core.ids import new_id
from app.outbox.mails import RECIPIENT, Mail, queue_mail
from tests.catalogue import ask
from tests.servers import DatabaseUrls

pytestmark = pytest.mark.integration

ARGUMENTS = "SELECT args FROM procrastinate_jobs"


class ChangedOurMindError(Exception):
    pass


async def test_a_mail_of_what_did_not_happen_is_not_sent(app: FastAPI, database_urls: DatabaseUrls) -> None:
    with suppress(ChangedOurMindError):
        async with app.state.database.transaction() as session:
            await queue_mail(session, Mail.PASSWORD_CHANGED, user_id=new_id())
            raise ChangedOurMindError
    assert await ask(database_urls.superuser, ARGUMENTS) == []


@pytest.mark.parametrize("facts", [None, {RECIPIENT: "dora@example.com", "minutes": 30}, {"mail": "welcome"}])
async def test_the_job_says_what_and_to_whom_whatever_the_facts(
    app: FastAPI, database_urls: DatabaseUrls, facts: Mapping[str, str | int] | None
) -> None:
    user_id = new_id()
    async with app.state.database.transaction() as session:
        await queue_mail(session, Mail.ACCOUNT_LOCKED, user_id=user_id, facts=facts)
    (row,) = await ask(database_urls.superuser, ARGUMENTS)
    assert json.loads(row["args"]) == {**(facts or {}), "mail": "account_locked", "user_id": str(user_id)}


async def test_two_of_a_kind_are_two(app: FastAPI, database_urls: DatabaseUrls) -> None:
    user_id = new_id()
    for _ in range(2):
        async with app.state.database.transaction() as session:
            await queue_mail(session, Mail.RESET_PASSWORD, user_id=user_id)
    assert len(await ask(database_urls.superuser, ARGUMENTS)) == 2
