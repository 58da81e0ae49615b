"""Each function of the database stands whole in alembic/functions/, as it is."""

import pytest

from tests.gates.function_reference import FOLDER, functions_of
from tests.servers import DatabaseUrls

pytestmark = pytest.mark.integration


async def test_what_is_written_is_what_runs(database_urls: DatabaseUrls) -> None:
    written = {file.name: file.read_text() for file in FOLDER.glob("*.sql")}
    assert written == await functions_of(database_urls.superuser), "make functions"
