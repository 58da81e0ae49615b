"""The submission that programs send, answered before routing: what `app.summaries.router.create` does.

Without `Prefer`, and from whom this process knows already. All that needs no server is done first: what comes
of that to nothing is the route's, uncounted.
"""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from app.core.early.admission import Caller
from app.core.early.posts import EarlyPost
from app.core.http import MAX_HEADER_LENGTH
from app.core.idempotency import IdempotencyKeyMalformedError, Once, ReplayError
from app.core.idempotency_route import HEADER, keyed_request, on_replay
from app.core.limits import Limit
from app.core.principal import Scope
from app.summaries import answers
from app.summaries.parameters import get_surroundings
from app.summaries.schemas import SummaryDraft
from app.summaries.taking.service import PlainIntake


@dataclass(frozen=True, slots=True)
class Asked:
    """`key`: its Idempotency-Key, as it was sent."""

    caller: Caller
    key: str | None


def early_submission(path: str) -> EarlyPost[Asked, SummaryDraft]:
    return EarlyPost(path=path, model=SummaryDraft, read=_read, answer=_answer)


def _read(request: Request) -> Asked | None:
    """None where the headers ask for more than to be taken in."""
    keys = request.headers.getlist(HEADER)
    has_one_key = len(keys) <= 1 and all(len(key) <= MAX_HEADER_LENGTH for key in keys)
    if not has_one_key or "prefer" in request.headers:
        return None
    caller = Caller.of(request, needs=Scope.SUMMARIES_WRITE)
    return Asked(caller, keys[0] if keys else None) if caller else None


async def _answer(request: Request, asked: Asked, draft: SummaryDraft) -> Response | None:
    intake = await _intake(request, asked)
    prepared = intake.prepare(draft) if intake else None
    if intake is None or prepared is None:
        return None
    if await asked.caller.admitted(request, also=(Limit.SUMMARIES_CREATE,)) is None:
        return None
    try:
        taken = await intake.write(prepared)
    except ReplayError as replay:
        return await on_replay(request, replay)
    return answers.kept(taken.answer) if taken else None


async def _intake(request: Request, asked: Asked) -> PlainIntake | None:
    """None where its key is none."""
    principal = asked.caller.expected
    try:
        keyed = None if asked.key is None else await keyed_request(request, principal, asked.key)
    except IdempotencyKeyMalformedError:
        return None
    state, around = request.app.state, await get_surroundings(request)
    return PlainIntake(
        state.intake_desk,
        principal,
        Once(keyed, seal=state.answer_seal, database=state.database),
        lambda submission: answers.receipt(submission, request),
        allow_hosts=around.allow_hosts,
        announcer=around.announcer,
    )
