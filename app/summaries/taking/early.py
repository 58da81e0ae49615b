"""The submission that programs send, answered before routing: what `app.summaries.router.create` does.

Without `Prefer`, and from whom this process knows already. All that needs no server is done first: what comes
of that to nothing is the route's, uncounted.
"""

from starlette.requests import Request
from starlette.responses import Response

from app.core.early.admission import Caller
from app.core.early.posts import EarlyPost
from app.core.idempotency import IdempotencyKeyMalformedError, Once, ReplayError
from app.core.idempotency_route import HEADER, MAX_HEADER_LENGTH, keyed_request, on_replay
from app.core.limits import Limit
from app.core.principal import Principal, Scope
from app.summaries import answers
from app.summaries.parameters import get_surroundings
from app.summaries.schemas import SummaryDraft
from app.summaries.taking.service import PlainIntake


def early_submission(path: str) -> EarlyPost[SummaryDraft]:
    return EarlyPost(path=path, model=SummaryDraft, answer=_answer)


async def _answer(request: Request, draft: SummaryDraft) -> Response | None:
    caller = Caller.of(request, needs=Scope.SUMMARIES_WRITE)
    intake = await _intake(request, caller.expected) if caller else None
    prepared = intake.prepare(draft) if intake else None
    if caller is None or intake is None or prepared is None:
        return None
    if await caller.admitted(request, also=(Limit.SUMMARIES_CREATE,)) is None:
        return None
    try:
        taken = await intake.write(prepared)
    except ReplayError as replay:
        return await on_replay(request, replay)
    return answers.kept(taken.answer) if taken else None


def _is_plain(request: Request, keys: list[str]) -> bool:
    has_one_key = len(keys) <= 1 and all(len(key) <= MAX_HEADER_LENGTH for key in keys)
    return has_one_key and "prefer" not in request.headers


async def _intake(request: Request, principal: Principal) -> PlainIntake | None:
    """None where its headers ask for more than to be taken in."""
    keys = request.headers.getlist(HEADER)
    if not _is_plain(request, keys):
        return None
    try:
        keyed = await keyed_request(request, principal, keys[0]) if keys else None
    except IdempotencyKeyMalformedError:
        return None
    state, around = request.app.state, await get_surroundings(request)
    return PlainIntake(
        state.database,
        principal,
        Once(keyed, seal=state.answer_seal, database=state.database),
        lambda submission: answers.receipt(submission, request),
        allow_hosts=around.allow_hosts,
        announcer=around.announcer,
    )
