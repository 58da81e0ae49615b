"""The refresh that programs send, answered before routing: what `app.auth.router.refresh` does."""

from starlette.requests import Request
from starlette.responses import Response

from app.auth.refresh import RefreshService
from app.auth.router import REUSED_HEADER, get_refresh_request
from app.auth.schemas import RefreshIn
from app.core.early.posts import EarlyPost
from app.core.idempotency import MAX_KEY_LENGTH


def early_refresh(prefix: str) -> EarlyPost[list[str], RefreshIn]:
    """`prefix`: where the router of logins is included."""
    return EarlyPost(path=f"{prefix}/refresh", model=RefreshIn, read=_keys, answer=_answer)


def _keys(request: Request) -> list[str] | None:
    """At most one; None for more, and for what is none."""
    keys = request.headers.getlist("idempotency-key")
    return keys if len(keys) <= 1 and all(len(key) <= MAX_KEY_LENGTH for key in keys) else None


async def _answer(request: Request, keys: list[str], body: RefreshIn) -> Response:
    asked = await get_refresh_request(body, request, keys[0] if keys else None)
    service: RefreshService = request.app.state.refresh_service
    refreshed = await service.refresh(asked)
    answer = Response(refreshed.tokens.model_dump_json(), media_type="application/json")
    if refreshed.reused:
        answer.headers[REUSED_HEADER] = refreshed.reused
    return answer
