"""Keys for machines."""

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Path, Request, Response

from app.api_keys.errors import (
    ApiKeyNotFoundError,
    ApiKeySupersededError,
    KeyCannotManageKeysError,
    ScopeNotGrantableError,
    TooManyApiKeysError,
)
from app.api_keys.schemas import (
    ApiKeyChanges,
    ApiKeyCreated,
    ApiKeyIn,
    ApiKeyOut,
    DefaultKeyCreated,
    Detail,
    LeakReport,
    RotateIn,
)
from app.api_keys.service import ApiKeyReader, ApiKeyService, CreatedKey, report_leak
from app.core.conditional import Precondition, PreconditionFailedError
from app.core.db import AnonymousSession
from app.core.errors import ProblemError
from app.core.guard import InvalidCredentialError, OwnSession, require
from app.core.http import client_address
from app.core.idempotency import IDEMPOTENCY_ERRORS
from app.core.idempotency_route import IdempotentRoute, OnceForSameScopes
from app.core.ids import ID_SCHEMA, parse_id
from app.core.limits import Limit, limited
from app.core.location import MADE, location_of
from app.core.openapi import ANONYMOUS, problems
from app.core.page_answer import page_of
from app.core.page_query import PageQuery
from app.core.pagination import InvalidCursorError
from app.core.principal import Principal, Scope
from app.core.schemas import Page
from app.core.tagged_answer import UNCHANGED, IfMatch, IfNoneMatch, read_answer, tagged

router = APIRouter(route_class=IdempotentRoute)

CanReadKeys = Annotated[Principal, require(Scope.KEYS_READ)]
CanWriteKeys = Annotated[Principal, require(Scope.KEYS_WRITE)]


async def reading_service(principal: CanReadKeys, session: OwnSession) -> ApiKeyReader:
    return ApiKeyReader(session, principal)


async def writing_service(principal: CanWriteKeys, session: OwnSession, request: Request) -> ApiKeyService:
    address = client_address(request.scope.get("client"))
    return ApiKeyService(session, principal, request.app.state.principal_cache, address=address)


async def known_key_id(key_id: Annotated[str, Path(json_schema_extra=ID_SCHEMA)]) -> UUID:
    parsed = parse_id(key_id)
    if parsed is None:
        raise ApiKeyNotFoundError
    return parsed


KeyReader = Annotated[ApiKeyReader, Depends(reading_service)]
KeyWriter = Annotated[ApiKeyService, Depends(writing_service)]
KeyId = Annotated[UUID, Depends(known_key_id)]
WRITING: tuple[type[ProblemError], ...] = (KeyCannotManageKeysError, InvalidCredentialError)


@router.post(
    "",
    status_code=201,
    responses={
        **MADE,
        **problems(*WRITING, *IDEMPOTENCY_ERRORS, ScopeNotGrantableError, TooManyApiKeysError),
    },
)
async def create(
    wanted: ApiKeyIn, keys: KeyWriter, request: Request, response: Response, _once: OnceForSameScopes
) -> ApiKeyCreated:
    """Make a key; it is shown in this answer and never again, but to a retry with its Idempotency-Key."""
    created = _shown(await keys.create(wanted))
    response.headers["Location"] = location_of(request, created.id)
    return created


@router.get("", responses=problems(InvalidCursorError))
async def list_mine(
    keys: KeyReader, page: PageQuery, request: Request, response: Response
) -> Page[ApiKeyOut]:
    """My living keys in this organisation, newest first; there are at most 50."""
    found = await keys.page(request.app.state.cursors, page)
    return page_of(ApiKeyOut, found, request=request, response=response)


@router.post("/generate", responses=problems(*WRITING, *IDEMPOTENCY_ERRORS, TooManyApiKeysError))
async def generate(keys: KeyWriter, _once: OnceForSameScopes) -> DefaultKeyCreated:
    """Make my default key, which replaces the former one at once."""
    created = await keys.replace_default()
    return DefaultKeyCreated(api_key=created.secret, message="Keep the key now: it is not shown again.")


@router.delete("/revoke", responses=problems(*WRITING, ApiKeyNotFoundError))
async def revoke_default(keys: KeyWriter) -> Detail:
    """Revoke my default key."""
    await keys.revoke_default()
    return Detail(detail="API key revoked")


@router.post(
    "/report-leak",
    status_code=202,
    dependencies=[limited(Limit.LEAK_REPORT)],
    openapi_extra=ANONYMOUS,
)
async def report(found: LeakReport, session: AnonymousSession, request: Request) -> Detail:
    """Revoke a key found where it should not be. Whoever holds it may; the answer is always this."""
    address, cache = client_address(request.scope.get("client")), request.app.state.principal_cache
    await report_leak(session, found.api_key.get_secret_value(), address=address, cache=cache)
    return Detail(detail="Thank you. If this is a living key, it has been revoked and its owner is told.")


@router.get("/{key_id}", response_model=ApiKeyOut, responses={**UNCHANGED, **problems(ApiKeyNotFoundError)})
async def read(keys: KeyReader, key_id: KeyId, if_none_match: IfNoneMatch = None) -> Response:
    """One key of mine, by its prefix."""
    return read_answer(ApiKeyOut.model_validate(await keys.get(key_id)), if_none_match)


@router.patch(
    "/{key_id}",
    responses=problems(
        *(*WRITING, ApiKeyNotFoundError, ApiKeySupersededError),
        *(ScopeNotGrantableError, PreconditionFailedError),
    ),
)
async def change(
    changes: ApiKeyChanges, keys: KeyWriter, key_id: KeyId, response: Response, if_match: IfMatch = None
) -> ApiKeyOut:
    """Change a key's name, scopes, expiry or rate; a field left out stays."""
    changed = await keys.change(key_id, changes, Precondition(if_match, ApiKeyOut))
    return tagged(ApiKeyOut.model_validate(changed), response)


@router.post(
    "/{key_id}/rotate",
    status_code=201,
    responses={
        **MADE,
        **problems(
            *(*WRITING, *IDEMPOTENCY_ERRORS, ApiKeyNotFoundError, ApiKeySupersededError),
            *(ScopeNotGrantableError, TooManyApiKeysError),
        ),
    },
)
async def rotate(
    keys: KeyWriter,
    key_id: KeyId,
    wanted: Annotated[RotateIn, Body(default_factory=RotateIn)],
    request: Request,
    response: Response,
    _once: OnceForSameScopes,
) -> ApiKeyCreated:
    """Replace a key by a new one of the same scopes; the old one ends at once, or after `overlap_seconds`."""
    collection, _, _ = request.url.path.partition(f"/{key_id}")
    created = _shown(await keys.rotate(key_id, overlap=timedelta(seconds=wanted.overlap_seconds)))
    response.headers["Location"] = location_of(request, created.id, collection=collection)
    return created


@router.delete(
    "/{key_id}",
    status_code=204,
    response_class=Response,
    responses=problems(KeyCannotManageKeysError, ApiKeyNotFoundError),
)
async def revoke(keys: KeyWriter, key_id: KeyId) -> None:
    """Revoke a key; it is refused everywhere within two seconds."""
    await keys.revoke(key_id)


def _shown(created: CreatedKey) -> ApiKeyCreated:
    shown = ApiKeyOut.model_validate(created.row).model_dump()
    return ApiKeyCreated(**shown, api_key=created.secret)
