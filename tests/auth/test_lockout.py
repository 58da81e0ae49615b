"""Lock-out: guessing ends early, everybody refused hears the same, and no known device is locked out."""

import asyncio
from collections import Counter
from datetime import timedelta
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import text

from app.auth.lockout.clients import client_of
from app.auth.lockout.service import unlock
from app.outbox.mails import SEND_MAIL
from app.settings import Settings
from app.users.store import UserStore
from tests.auth.attackers import AWAY, HOME, WRONG, Clock, at, guess, log_in, query
from tests.catalogue import ask
from tests.core.own_valkey import free_port
from tests.factories import PASSWORD, Person
from tests.fixtures import make_app
from tests.servers import DatabaseUrls
from tests.statements import statements_of

pytestmark = pytest.mark.integration

HALF_AN_HOUR = timedelta(minutes=30)
REASONS = (
    "SELECT details ->> 'reason' AS reason, subject_id FROM audit_entries WHERE action = 'login_failure'"
)
LOCKS = "SELECT details ->> 'kind' AS kind, subject_id FROM audit_entries WHERE action = 'account_locked'"
MAILS = "SELECT args ->> 'minutes' FROM procrastinate_jobs WHERE task_name = :task"
# Ten networks of four addresses' worth: what one attacker rents for an hour.
NETWORKS = [f"192.0.{number}.7" for number in range(2, 12)]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def built_app(settings: Settings, clock: Clock) -> FastAPI:
    """With lock-out as in production, and limits out of its way."""
    return make_app(settings.model_copy(update={"rate_limit_scale": 1000.0}), clock=clock)


async def fail_from_everywhere(app: FastAPI, person: Person, *, failures: int) -> None:
    """As many wrong passwords, four of each network, without the time that hashing takes."""
    lockout = app.state.login_service.parts.lockout
    for number in range(failures):
        client = client_of(None, f"10.{number // 4}.0.1")
        async with app.state.database.transaction() as session:
            attempt = await lockout.begin(session, person.user_id, client=client, is_decoy=False)
            await lockout.fail(session, attempt, address=None)


async def end(store: UserStore, user_id: UUID) -> None:
    user = await store.get(user_id)
    assert user is not None
    await store.update(user, {"is_active": False})


async def test_unknown_wrong_locked_and_inactive_get_the_same_answer(
    app: FastAPI, alice: Person, bob: Person, charlie: Person
) -> None:
    await guess(at(app, HOME), bob.username, times=5)
    async with app.state.database.transaction() as session:
        await end(UserStore(session), charlie.user_id)
    answers = [
        await log_in(at(app, AWAY), "nobody"),
        await log_in(at(app, AWAY), alice.username, WRONG),
        await log_in(at(app, HOME), bob.username),
        await log_in(at(app, AWAY), charlie.username),
    ]
    bodies = [{**answer.json(), "request_id": ""} for answer in answers]
    assert bodies == [bodies[0]] * 4
    assert bodies[0]["code"] == "login_failed"
    assert len({tuple(answer.headers) for answer in answers}) == 1
    assert {answer.headers["content-length"] for answer in answers} == {answers[0].headers["content-length"]}


async def test_after_five_failures_the_right_password_is_refused_for_half_an_hour(
    app: FastAPI, alice: Person, clock: Clock
) -> None:
    await guess(at(app, HOME), alice.username, times=5)
    clock.advance(HALF_AN_HOUR - timedelta(seconds=1))
    assert (await log_in(at(app, HOME), alice.username)).status_code == 401
    clock.advance(timedelta(seconds=1))
    assert (await log_in(at(app, HOME), alice.username)).status_code == 200


async def test_the_settings_say_how_many_and_how_long(
    settings: Settings, alice: Person, clock: Clock
) -> None:
    changed = {"max_login_attempts": 2, "lockout_duration_minutes": 1, "rate_limit_scale": 1000.0}
    strict = await asyncio.to_thread(make_app, settings.model_copy(update=changed), clock=clock)
    await guess(at(strict, HOME), alice.username, times=2)
    assert (await log_in(at(strict, HOME), alice.username)).status_code == 401
    clock.advance(timedelta(minutes=1))
    assert (await log_in(at(strict, HOME), alice.username)).status_code == 200
    await strict.state.database.dispose()
    await strict.state.redis.aclose()


async def test_the_whole_network_is_one_client(app: FastAPI, alice: Person) -> None:
    await guess(at(app, HOME), alice.username, times=5)
    assert (await log_in(at(app, "203.0.113.200"), alice.username)).status_code == 401
    assert (await log_in(at(app, AWAY), alice.username)).status_code == 200


async def test_by_whichever_name_it_is_one_account(app: FastAPI, alice: Person) -> None:
    await guess(at(app, HOME), "ALICE", times=3)
    await guess(at(app, HOME), "alice@example.com", times=2)
    assert (await log_in(at(app, HOME), alice.username)).status_code == 401


async def test_of_many_guesses_at_once_no_more_are_tried_than_allowed(
    app: FastAPI, alice: Person, database_urls: DatabaseUrls
) -> None:
    client = at(app, HOME)
    answers = await asyncio.gather(*(log_in(client, alice.username, WRONG) for _ in range(30)))
    # 503 where a busy machine keeps one waiting for a connection: it is neither judged nor told anything.
    assert {answer.status_code for answer in answers} <= {401, 503}
    reasons = Counter(row["reason"] for row in await ask(database_urls.superuser, REASONS))
    assert reasons["wrong"] == 5
    assert set(reasons) == {"wrong", "locked"}


async def test_many_right_logins_at_once_all_get_in(app: FastAPI, alice: Person) -> None:
    answers = await asyncio.gather(*(log_in(at(app, HOME), alice.username) for _ in range(12)))
    assert {answer.status_code for answer in answers} == {200}


async def test_a_known_device_gets_in_whatever_strangers_do(app: FastAPI, alice: Person) -> None:
    device = at(app, HOME)
    assert (await log_in(device, alice.username)).status_code == 200
    await guess(at(app, HOME), alice.username, times=6)
    await fail_from_everywhere(app, alice, failures=200)
    assert (await log_in(at(app, AWAY), alice.username)).status_code == 401
    assert (await log_in(device, alice.username)).status_code == 200


async def test_refresh_and_sessions_go_on_while_the_account_is_locked(app: FastAPI, alice: Person) -> None:
    await fail_from_everywhere(app, alice, failures=200)
    client = at(app, AWAY)
    assert (await client.get("/api/v1/users/me", headers=alice.headers)).status_code == 200
    refreshed = await client.post("/api/v1/auth/refresh", json={"refresh_token": alice.refresh_token})
    assert refreshed.status_code == 200


async def test_a_known_device_is_locked_by_its_own_failures_alone(app: FastAPI, alice: Person) -> None:
    device = at(app, HOME)
    await log_in(device, alice.username)
    await guess(device, alice.username, times=5)
    assert (await log_in(device, alice.username)).status_code == 401
    assert (await log_in(at(app, HOME), alice.username)).status_code == 200


async def test_a_known_devices_success_takes_back_its_failures(app: FastAPI, alice: Person) -> None:
    device = at(app, HOME)
    await log_in(device, alice.username)
    for _ in range(3):
        await guess(device, alice.username, times=4)
        assert (await log_in(device, alice.username)).status_code == 200


async def test_forty_failures_from_anywhere_refuse_every_stranger(
    app: FastAPI, alice: Person, clock: Clock
) -> None:
    await fail_from_everywhere(app, alice, failures=39)
    assert (await log_in(at(app, AWAY), alice.username)).status_code == 200
    await fail_from_everywhere(app, alice, failures=1)
    assert (await log_in(at(app, AWAY), alice.username)).status_code == 401
    clock.advance(timedelta(minutes=15))
    assert (await log_in(at(app, AWAY), alice.username)).status_code == 200


async def test_the_owner_is_told_once_a_lock(
    app: FastAPI, alice: Person, database_urls: DatabaseUrls
) -> None:
    await fail_from_everywhere(app, alice, failures=60)
    assert await query(app, MAILS, task=SEND_MAIL) == ["15"]
    rows = await ask(database_urls.superuser, LOCKS)
    assert [(row["kind"], row["subject_id"]) for row in rows] == [("strangers", alice.user_id)]


async def test_after_a_hundred_failures_time_does_not_help_but_unlocking_does(
    app: FastAPI, alice: Person, clock: Clock
) -> None:
    for failures in [40, *[6] * 13]:
        await fail_from_everywhere(app, alice, failures=failures)
        clock.advance(timedelta(hours=24))
    clock.advance(timedelta(days=400))
    assert (await query(app, "SELECT total FROM login_tallies WHERE client = 'strangers'")) == [100]
    assert (await query(app, MAILS, task=SEND_MAIL))[-1] == "0"
    assert (await log_in(at(app, AWAY), alice.username)).status_code == 401
    async with app.state.database.transaction() as session:
        assert await unlock(session, alice.user_id)
    assert (await log_in(at(app, AWAY), alice.username)).status_code == 200
    assert await query(app, "SELECT client FROM login_tallies") == []


async def test_an_account_without_failures_needs_no_unlocking(app: FastAPI, alice: Person) -> None:
    async with app.state.database.transaction() as session:
        assert not await unlock(session, alice.user_id)


async def test_a_success_takes_back_its_own_failures_and_no_others(app: FastAPI, alice: Person) -> None:
    await guess(at(app, HOME), alice.username, times=3)
    await guess(at(app, AWAY), alice.username, times=2)
    assert (await log_in(at(app, HOME), alice.username)).status_code == 200
    totals = await query(app, "SELECT client || ' ' || total FROM login_tallies ORDER BY client")
    assert totals == ["network:198.51.100.0/24 2", "strangers 2"]


async def test_what_is_refused_while_locked_is_not_counted(app: FastAPI, alice: Person) -> None:
    await guess(at(app, HOME), alice.username, times=8)
    assert await query(app, "SELECT DISTINCT total FROM login_tallies") == [5]


async def test_failures_are_audited_without_the_typed_name(
    app: FastAPI, alice: Person, database_urls: DatabaseUrls
) -> None:
    await guess(at(app, HOME), "nobody-typed-this")
    await guess(at(app, HOME), alice.username, times=5)
    await log_in(at(app, HOME), alice.username)
    rows = [(row["reason"], row["subject_id"]) for row in await ask(database_urls.superuser, REASONS)]
    assert rows == [("unknown", None), *[("wrong", alice.user_id)] * 5, ("locked", alice.user_id)]
    entries = await ask(database_urls.superuser, "SELECT * FROM audit_entries")
    assert "nobody-typed-this" not in str(entries)
    assert {entry["organization_id"] for entry in entries} == {None}


async def test_guessing_at_names_that_nobody_has_fills_no_table(app: FastAPI) -> None:
    limits = app.state.login_service.parts.limits
    decoys = {limits.decoy_of(f"name{number}") for number in range(20_000)}
    assert len(decoys) <= 1024
    assert max(decoys).int < 1024


async def test_a_name_that_nobody_has_locks_without_audit_or_mail(
    app: FastAPI, database_urls: DatabaseUrls
) -> None:
    await guess(at(app, HOME), "nobody", times=6)
    assert await query(app, "SELECT DISTINCT total FROM login_tallies") == [5]
    assert await ask(database_urls.superuser, LOCKS) == []


async def test_without_redis_the_lock_holds(settings: Settings, alice: Person) -> None:
    changed = {"redis_url": f"redis://127.0.0.1:{free_port()}/0", "rate_limit_scale": 1000.0}
    alone = await asyncio.to_thread(make_app, settings.model_copy(update=changed))
    await guess(at(alone, HOME), alice.username, times=5)
    assert (await log_in(at(alone, HOME), alice.username)).status_code == 401
    assert (await log_in(at(alone, AWAY), alice.username)).status_code == 200
    await alone.state.database.dispose()
    await alone.state.redis.aclose()


async def test_the_address_may_be_unknown(app: FastAPI, alice: Person) -> None:
    await guess(at(app, "a socket file"), alice.username, times=5)
    assert (await log_in(at(app, "a socket file"), alice.username, PASSWORD)).status_code == 401


async def test_tallies_hold_no_address_and_no_name(app: FastAPI, alice: Person) -> None:
    await guess(at(app, "2001:db8:1:2:3::4"), alice.username)
    await guess(at(app, HOME), "nobody")
    async with app.state.database.transaction() as session:
        rows = str((await session.execute(text("SELECT * FROM login_tallies"))).all())
    assert "network:2001:db8:1:2::/64" in rows
    assert HOME not in rows
    assert "nobody" not in rows


async def test_whatever_is_wrong_costs_the_same_statements(
    app: FastAPI, alice: Person, charlie: Person
) -> None:
    async with app.state.database.transaction() as session:
        await end(UserStore(session), charlie.user_id)
    sent = []
    for name in (alice.username, "nobody", charlie.username):
        async with statements_of(app) as statements:
            await log_in(at(app, HOME), name, WRONG)
        sent.append(statements)
    assert sent[0] == sent[1] == sent[2]
