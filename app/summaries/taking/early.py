"""The submission that programs send, answered before routing: what `app.summaries.router.create` does.

Without `Prefer`, and from whom this process knows already. All that needs no server is done first: what comes
of that to nothing is the route's, uncounted.
"""

from starlette.requests import Request
from starlette.responses import Response

from app.core.early_posts import EarlyPost
from app.core.guard import expected_principal
from app.core.idempotency import IdempotencyKeyMalformedError, Once, ReplayError
from app.core.idempotency_route import HEADER, MAX_HEADER_LENGTH, keyed_request, on_replay
from app.core.limits import Limit
from app.core.principal import Principal, Scope
from app.core.warm_reads import admitted_as, credential_and_condition
from app.summaries import answers
from app.summaries.parameters import get_surroundings
from app.summaries.schemas import SummaryDraft
from app.summaries.taking.service import PlainIntake


def early_submission(path: str) -> EarlyPost[SummaryDraft]:
    return EarlyPost(path=path, model=SummaryDraft, answer=_answer)


async def _answer(request: Request, draft: SummaryDraft) -> Response | None:
    credential, _ = credential_and_condition(request.scope) or (None, None)
    expected = expected_principal(request, credential) if credential else None
    keys = request.headers.getlist(HEADER)
    if expected is None or Scope.SUMMARIES_WRITE not in expected.scopes or not _is_plain(request, keys):
        return None
    try:
        intake = await _intake(request, expected, key=keys[0] if keys else None)
    except IdempotencyKeyMalformedError:
        return None
    prepared = intake.prepare(draft)
    if credential is None or prepared is None:
        return None
    if await admitted_as(expected, request, credential, also=(Limit.SUMMARIES_CREATE,)) is None:
        return None
    try:
        taken = await intake.write(prepared)
    except ReplayError as replay:
        return await on_replay(request, replay)
    return answers.kept(taken.answer) if taken else None


def _is_plain(request: Request, keys: list[str]) -> bool:
    has_one_key = len(keys) <= 1 and all(len(key) <= MAX_HEADER_LENGTH for key in keys)
    return has_one_key and "prefer" not in request.headers


async def _intake(request: Request, principal: Principal, *, key: str | None) -> PlainIntake:
    """Raises IdempotencyKeyMalformedError."""
    state = request.app.state
    around = await get_surroundings(request)
    keyed = None if key is None else await keyed_request(request, principal, key)
    return PlainIntake(
        state.database,
        principal,
        Once(keyed, seal=state.answer_seal, database=state.database),
        lambda submission: answers.receipt(submission, request),
        allow_hosts=around.allow_hosts,
        announcer=around.announcer,
    )
