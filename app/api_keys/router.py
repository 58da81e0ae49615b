"""Keys for machines."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request

from app.api_keys.errors import (
    ApiKeyNotFoundError,
    KeyCannotManageKeysError,
    ScopeNotGrantableError,
    TooManyApiKeysError,
)
from app.api_keys.schemas import ApiKeyCreated, ApiKeyIn, ApiKeyOut
from app.api_keys.service import ApiKeyService, CreatedKey
from app.core.guard import OwnSession, require
from app.core.ids import ID_SCHEMA, parse_id
from app.core.openapi import problems
from app.core.principal import Principal, Scope
from app.core.schemas import Page

router = APIRouter(responses=problems(KeyCannotManageKeysError))

CanReadKeys = Annotated[Principal, require(Scope.KEYS_READ)]
CanWriteKeys = Annotated[Principal, require(Scope.KEYS_WRITE)]


def reading_service(principal: CanReadKeys, session: OwnSession, request: Request) -> ApiKeyService:
    return ApiKeyService(session, principal, request.app.state.principal_cache)


def writing_service(principal: CanWriteKeys, session: OwnSession, request: Request) -> ApiKeyService:
    return ApiKeyService(session, principal, request.app.state.principal_cache)


def known_key_id(key_id: Annotated[str, Path(json_schema_extra=ID_SCHEMA)]) -> UUID:
    parsed = parse_id(key_id)
    if parsed is None:
        raise ApiKeyNotFoundError
    return parsed


@router.post("", status_code=201, responses=problems(ScopeNotGrantableError, TooManyApiKeysError))
async def create(
    wanted: ApiKeyIn, service: Annotated[ApiKeyService, Depends(writing_service)]
) -> ApiKeyCreated:
    """Make a key; it is shown in this answer and never again."""
    return _shown(await service.create(wanted))


@router.get("")
async def list_mine(service: Annotated[ApiKeyService, Depends(reading_service)]) -> Page[ApiKeyOut]:
    """My living keys in this organisation, newest first; there are at most 50."""
    items = [ApiKeyOut.model_validate(row) for row in await service.living()]
    return Page(items=items, next_cursor=None, has_more=False)


@router.delete("/{key_id}", status_code=204, responses=problems(ApiKeyNotFoundError))
async def revoke(
    service: Annotated[ApiKeyService, Depends(writing_service)],
    key_id: Annotated[UUID, Depends(known_key_id)],
) -> None:
    """Revoke a key; it is refused everywhere within two seconds."""
    await service.revoke(key_id)


def _shown(created: CreatedKey) -> ApiKeyCreated:
    shown = ApiKeyOut.model_validate(created.row).model_dump()
    return ApiKeyCreated(**shown, api_key=created.secret)
