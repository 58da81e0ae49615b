"""What one stream keeps for its client: the latest, and never more than so much."""

import asyncio
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from app.core.ids import new_id
from app.core.principal import MembershipRole, Plan, Principal, StaffRole
from app.summaries.announcing import Progress
from app.summaries.progress.watches import MOST_PENDING, End, Watch
from app.summaries.vocabulary import Status, Visibility

pytestmark = pytest.mark.unit

WHO = Principal(
    kind="user",
    user_id=new_id(),
    organization_id=new_id(),
    credential_id=new_id(),
    staff_role=StaffRole.USER,
    membership_role=MembershipRole.MEMBER,
    plan=Plan.FREE,
    scopes=frozenset(),
)


def progress(summary_id: UUID | None = None, **values: Any) -> Progress:  # Any: its fields
    mine = Progress(
        organization_id=WHO.organization_id,
        summary_id=summary_id or new_id(),
        user_id=WHO.user_id,
        visibility=Visibility.PRIVATE,
        status=Status.QUEUED,
        attempt=0,
        version=1,
        stages={},
    )
    return replace(mine, **values)


def test_what_a_colleague_keeps_to_herself_is_not_offered() -> None:
    watch = Watch(WHO, None)
    watch.offer(progress(user_id=new_id()))
    assert watch.take() == []


def test_what_a_colleague_shares_is_offered_and_lost_when_she_hides_it() -> None:
    watch = Watch(WHO, None)
    shared = progress(user_id=new_id(), visibility=Visibility.ORGANIZATION)
    watch.offer(shared)
    assert [news.progress for news in watch.take()] == [shared]
    watch.offer(replace(shared, visibility=Visibility.PRIVATE, version=2))
    assert [(news.summary_id, news.progress) for news in watch.take()] == [(shared.summary_id, None)]


def test_only_the_latest_of_each_waits_for_a_slow_client() -> None:
    watch = Watch(WHO, None)
    one, other = progress(), progress()
    for version in range(1, 50):
        watch.offer(replace(one, version=version))
    watch.offer(other)
    assert [news.progress and news.progress.version for news in watch.take()] == [49, 1]


def test_the_same_state_twice_is_no_news_and_an_older_one_neither() -> None:
    watch = Watch(WHO, None)
    mine = progress(version=5)
    watch.offer(mine)
    watch.take()
    watch.offer(mine)
    watch.offer(replace(mine, version=4))
    assert watch.take() == []


def test_what_is_gone_is_gone_once_and_may_come_back() -> None:
    watch = Watch(WHO, [])
    mine = progress(version=5)
    watch.lose(mine.summary_id)
    watch.lose(mine.summary_id)
    assert len(watch.take()) == 1
    watch.offer(mine)
    assert [news.progress for news in watch.take()] == [mine]


def test_who_never_reads_is_ended_before_it_costs_much() -> None:
    watch = Watch(WHO, None)
    for _ in range(MOST_PENDING + 1):
        watch.offer(progress())
    assert watch.end is End.TOO_SLOW
    assert watch.take() == []


def test_the_first_end_counts() -> None:
    watch = Watch(WHO, None)
    watch.finish(End.LEFT)
    watch.finish(End.DRAINING)
    assert watch.end is End.LEFT


async def test_waiting_ends_with_news_or_with_the_time() -> None:
    watch = Watch(WHO, None)
    assert await watch.wait(0.01) is False
    watch.offer(progress())
    assert await watch.wait(10) is True
    assert await watch.wait(0.01) is False


@pytest.mark.parametrize("ending", [progress(status=Status.READY), progress(is_gone=True)])
async def test_a_wait_for_the_end_passes_over_stages(ending: Progress) -> None:
    watch = Watch(WHO, [ending.summary_id])
    watch.offer(progress(ending.summary_id, version=0))
    waiting = asyncio.create_task(watch.until_final(10))
    await asyncio.sleep(0.01)
    assert not waiting.done()
    watch.offer(ending)
    async with asyncio.timeout(1):
        await waiting


async def test_a_wait_outlives_its_credential_but_not_the_process() -> None:
    revoked, draining = Watch(WHO, []), Watch(WHO, [])
    revoked.finish(End.REVOKED)
    draining.finish(End.DRAINING)
    async with asyncio.timeout(1):
        await draining.until_final(10)
        await revoked.until_final(0.05)
