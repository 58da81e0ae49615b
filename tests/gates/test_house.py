"""The rules hold, and each rule is seen to refuse what it is for."""

from pathlib import Path

import pytest

from tests.gates import house
from tests.gates.house import Source

pytestmark = pytest.mark.unit
ROOT = Path(__file__).resolve().parents[2]

REFUSED = [
    (house.check_length, "app/a.py", "\n" * 301),
    (house.check_function_length, "app/a.py", "def f():\n" + "    x = 1\n" * 40),
    (house.check_function_length, "tests/test_a.py", "def f():\n" + "    x = 1\n" * 60),
    (house.check_name, "app/core/helpers.py", ""),
    (house.check_name, "app/common/a.py", ""),
    (house.check_imports_at_top, "app/a.py", "def f():\n    import os\n"),
    (house.check_imports_at_top, "app/a.py", "async def f():\n    from os import path\n"),
    (house.check_no_type_checking, "app/a.py", "import typing\nif typing.TYPE_CHECKING: pass\n"),
    (house.check_statements_in_their_room, "app/a/service.py", "from sqlalchemy import select\nselect(A)\n"),
    (house.check_statements_in_their_room, "app/a/router.py", "import sqlalchemy as sa\nsa.delete(A)\n"),
    (
        house.check_statements_in_their_room,
        "app/a/tasks.py",
        "from sqlalchemy.dialects.postgresql import insert as upsert\nupsert(A)\n",
    ),
    (house.check_statements_in_their_room, "app/a/service.py", "self._session.get(A, key)\n"),
    (house.check_statements_in_their_room, "app/core/door.py", "from sqlalchemy import text\ntext('')\n"),
    (house.check_no_print, "app/a/service.py", "print(1)\n"),
    (house.check_no_session_wide_tenant, "app/a.py", 'sql = "SET app.organization_id = 1"\n'),
    (house.check_no_session_wide_tenant, "app/a.py", "sql = \"set_config('app.user_id', :u, false)\"\n"),
    (house.check_suppressions_have_reasons, "app/a.py", "import os  # no" + "qa: F401\n"),
    (house.check_suppressions_have_reasons, "app/a.py", "x = y  # type" + ": ignore[arg-type]\n"),
]
ALLOWED = [
    (house.check_function_length, "app/a.py", "def f():\n" + "    x = 1\n" * 39),
    (house.check_function_length, "tests/test_a.py", "def f():\n" + "    x = 1\n" * 59),
    (
        house.check_statements_in_their_room,
        "app/a/repository.py",
        "from sqlalchemy import select\nselect(A)\n",
    ),
    (house.check_statements_in_their_room, "app/a/service.py", "cache.get(key)\n"),
    (house.check_no_print, "app/commands.py", "print(1)\n"),
    (house.check_suppressions_have_reasons, "app/a.py", "import os  # no" + "qa: F401  # for its effect\n"),
]


@pytest.mark.parametrize(("rule", "path", "text"), REFUSED)
def test_rule_refuses_what_it_is_for(rule: house.Rule, path: str, text: str) -> None:
    assert list(rule(Source(path, text)))


@pytest.mark.parametrize(("rule", "path", "text"), ALLOWED)
def test_rule_lets_the_allowed_pass(rule: house.Rule, path: str, text: str) -> None:
    assert not list(rule(Source(path, text)))


@pytest.mark.parametrize("rule", house.EVERYWHERE, ids=lambda rule: str(rule.__name__))
def test_rule_holds_everywhere(rule: house.Rule) -> None:
    assert [fault for source in house.read_sources(ROOT, "app", "tests") for fault in rule(source)] == []


@pytest.mark.parametrize("rule", house.IN_APP, ids=lambda rule: str(rule.__name__))
def test_rule_holds_in_the_application(rule: house.Rule) -> None:
    assert [fault for source in house.read_sources(ROOT, "app") for fault in rule(source)] == []


def test_no_package_shadows_the_migration_library() -> None:
    assert not (ROOT / "alembic" / "__init__.py").exists()
