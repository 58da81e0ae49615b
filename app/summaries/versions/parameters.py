"""What the routes of versions are given."""

import re
from typing import Annotated

from fastapi import Depends, Path, Query, Request

from app.core.guard import OwnSession
from app.summaries.parameters import ReadingService
from app.summaries.versions.errors import VersionNotFoundError
from app.summaries.versions.service import CURRENT, VersionService

NUMBER = r"[1-9][0-9]{0,8}"
NUMBER_SCHEMA = {"type": "integer", "minimum": 1, "maximum": 999_999_999}


async def get_versions(summaries: ReadingService, session: OwnSession, request: Request) -> VersionService:
    return VersionService(session, summaries, request.app.state.cursors)


async def get_number(version_number: Annotated[str, Path(json_schema_extra=NUMBER_SCHEMA)]) -> int:
    """What is no number is as unknown as any other: 404."""
    if not re.fullmatch(NUMBER, version_number, re.ASCII):
        raise VersionNotFoundError
    return int(version_number)


async def get_against(
    against: Annotated[
        str,
        Query(pattern=f"^({CURRENT}|{NUMBER})$", max_length=9, description="`current`, or a number."),
    ] = CURRENT,
) -> int | None:
    return None if against == CURRENT else int(against)


Versions = Annotated[VersionService, Depends(get_versions)]
VersionNumber = Annotated[int, Depends(get_number)]
Against = Annotated[int | None, Depends(get_against)]
