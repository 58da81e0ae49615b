"""The refresh that programs send, answered before routing: what `app.auth.router.refresh` does."""

from starlette.requests import Request
from starlette.responses import Response

from app.auth.refresh import RefreshService
from app.auth.router import MAX_KEY_LENGTH, REUSED_HEADER, get_refresh_request
from app.auth.schemas import RefreshIn
from app.core.early.posts import EarlyPost


def early_refresh(prefix: str) -> EarlyPost[RefreshIn]:
    """`prefix`: where the router of logins is included."""
    return EarlyPost(path=f"{prefix}/refresh", model=RefreshIn, answer=_answer)


async def _answer(request: Request, body: RefreshIn) -> Response | None:
    keys = request.headers.getlist("idempotency-key")
    if len(keys) > 1 or any(len(key) > MAX_KEY_LENGTH for key in keys):
        return None
    asked = await get_refresh_request(body, request, keys[0] if keys else None)
    service: RefreshService = request.app.state.refresh_service
    refreshed = await service.refresh(asked)
    answer = Response(refreshed.tokens.model_dump_json(), media_type="application/json")
    if refreshed.reused:
        answer.headers[REUSED_HEADER] = refreshed.reused
    return answer
