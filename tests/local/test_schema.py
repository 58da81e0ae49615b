import asyncio

import pytest

from app.core.schema_version import newest_revision
from app.local.ports import free_port
from app.local.schema import revision_of
from app.settings_parsing import to_asyncpg_url
from tests.servers import DatabaseUrls

pytestmark = pytest.mark.integration


async def test_where_nobody_answers_none_is_known() -> None:
    assert await revision_of(f"postgresql://app_owner:x@127.0.0.1:{free_port()}/precis") is None


async def test_a_database_without_a_migration_has_none(superuser_url: str) -> None:
    assert await revision_of(superuser_url) is None


def test_a_migrated_one_is_at_the_newest(database_urls: DatabaseUrls) -> None:
    for url in (database_urls.owner, to_asyncpg_url(database_urls.owner)):
        assert asyncio.run(revision_of(url)) == newest_revision()
