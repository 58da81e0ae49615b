"""Idempotency-Key on routes.

A route that creates takes three things:

    router = APIRouter(route_class=IdempotentRoute)

    @router.post("", responses=problems(*IDEMPOTENCY_ERRORS, ...))
    async def create(..., _once: OnceInOwnSession) -> ...:

`OnceInOwnSession` stands last in the signature: what is repeated is repeated to whoever may still ask for it.
Where the answer shows a secret, `OnceForSameScopes` stands there: what the secret allows may go by the
caller's scopes, and of one person's sessions some have fewer than others.
A service with transactions of its own is given `OnceDep` instead, for the one transaction that creates.
"""

import hashlib
from collections.abc import Callable, Coroutine, Iterator
from typing import Annotated, Any

from fastapi import Depends, Header, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.datastructures import UploadFile
from typing_extensions import override

from app.core.db import DatabaseDep
from app.core.guard import OwnSession, authenticate
from app.core.http import MAX_HEADER_LENGTH
from app.core.idempotency import IdempotencyKeyMalformedError, Once, ReplayError, parse_key
from app.core.idempotency_seal import Answer
from app.core.idempotency_store import KeyedRequest
from app.core.principal import Principal

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
CHUNK_BYTES = 64 * 1024
FIRST_ERROR = 400


class IdempotentRoute(APIRoute):
    """Keeps what its function returned, while the transaction of the request is still open.

    Such routes take the largest bodies, and FastAPI would parse one before it asks who sent it.
    """

    @override
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        asks_who_it_is = self.body_field is not None and authenticate in _calls(self.dependant)

        async def handle_once(request: Request) -> Response:
            if asks_who_it_is:
                await authenticate(request)
            response = await handle(request)
            once: Once | None = getattr(request.state, "once", None)
            if once is not None and response.status_code < FIRST_ERROR:
                await once.finish(answer_of(response))
            return response

        return handle_once


def _calls(dependant: Dependant) -> Iterator[object]:
    yield dependant.call
    for dependency in dependant.dependencies:
        yield from _calls(dependency)


async def get_once(
    request: Request,
    principal: Annotated[Principal, Depends(authenticate)],
    database: DatabaseDep,
    idempotency_key: Annotated[
        str | None,
        Header(
            alias=HEADER,
            max_length=MAX_HEADER_LENGTH,
            description="Any key of your own, quoted or bare, at most 255 characters. A retry with the same "
            f"key and body within 24 hours is answered as the first request was, with `{REPLAYED}: true`.",
            examples=['"8e03978e-40d5-43dd-bc93-6894a57f9324"'],
        ),
    ] = None,
) -> Once:
    keyed = None if idempotency_key is None else await keyed_request(request, principal, idempotency_key)
    once = Once(keyed, seal=request.app.state.answer_seal, database=database)
    if keyed is not None:
        request.state.once = once
    return once


OnceDep = Annotated[Once, Depends(get_once)]


async def claim_in_own_session(once: OnceDep, session: OwnSession) -> None:
    await once.claim(session)


OnceInOwnSession = Annotated[None, Depends(claim_in_own_session)]


async def claim_for_same_scopes(
    once: OnceDep, session: OwnSession, principal: Annotated[Principal, Depends(authenticate)]
) -> None:
    once.distinguish(sorted(principal.scopes))
    await once.claim(session)


OnceForSameScopes = Annotated[None, Depends(claim_for_same_scopes)]


async def keyed_request(request: Request, principal: Principal, header: str) -> KeyedRequest:
    """Raises IdempotencyKeyMalformedError."""
    if len(request.headers.getlist(HEADER)) > 1:
        raise IdempotencyKeyMalformedError
    return KeyedRequest(
        organization_id=principal.organization_id,
        user_id=principal.user_id,
        principal_id=principal.user_id if principal.kind == "user" else principal.credential_id,
        route=request.scope["path"],
        key=parse_key(header),
        fingerprint=await fingerprint_of(request),
    )


async def fingerprint_of(request: Request) -> bytes:
    """SHA-256 of query and body; of a form its fields, as each retry draws another boundary."""
    digest = hashlib.sha256(request.scope["query_string"] + b"\n")
    if request.headers.get("content-type", "").startswith("multipart/"):
        # A route that bounds its form has read it, and keeps it here.
        form = request.state.form if hasattr(request.state, "form") else await request.form()
        for name, value in form.multi_items():
            digest.update(f"{name}\n".encode("utf-8", "surrogatepass"))
            await _add_field(digest, value)
    else:
        digest.update(await request.body())
    return digest.digest()


async def _add_field(digest: Any, value: UploadFile | str) -> None:  # Any: hashlib names no type
    if isinstance(value, str):
        digest.update(f"{len(value)}\n{value}".encode("utf-8", "surrogatepass"))
        return
    digest.update(f"{value.filename}\n{value.size}\n".encode("utf-8", "surrogatepass"))
    while chunk := await value.read(CHUNK_BYTES):
        digest.update(chunk)
    await value.seek(0)


def answer_of(response: Response) -> Answer:
    """The length is counted anew, whatever middleware does to the body."""
    headers = tuple(sorted(pair for pair in response.headers.items() if pair[0] != "content-length"))
    return Answer(response.status_code, headers, bytes(response.body))


async def on_replay(_request: Request, error: Exception) -> Response:
    """The handler of ReplayError."""
    assert isinstance(error, ReplayError)  # noqa: S101  # registered for it; narrows for mypy
    headers = {**dict(error.answer.headers), REPLAYED: "true"}
    return Response(error.answer.body, status_code=error.answer.status, headers=headers)
