"""The migrations as a serving process reads them."""

import pytest
from alembic.script import ScriptDirectory

from app.core.migrations import alembic_config
from app.core.schema_version import known_revisions, newest_revision

pytestmark = pytest.mark.unit


def test_what_is_read_is_what_alembic_reads() -> None:
    scripts = ScriptDirectory.from_config(alembic_config())
    assert newest_revision() == scripts.get_current_head()
    assert known_revisions() == {script.revision for script in scripts.walk_revisions()}
