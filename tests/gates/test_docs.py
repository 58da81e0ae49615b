"""Documents cannot lie: what they name exists, and what they list is complete."""

import re
from pathlib import Path

import pytest
from fastapi.routing import iter_route_contexts
from typer.core import TyperGroup
from typer.main import get_command

from app.commands import cli
from app.main import create_app
from app.settings import Environment, load_settings
from tests.deploy.deploy_files import COMMAND_NAMES, setting_names
from tests.gates import endpoint_reference, error_reference
from tests.gates.documents import Document, House, find_ghosts, find_ghosts_in_code
from tests.gates.house import Source, read_sources

pytestmark = pytest.mark.unit
ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [Document("README.md", (ROOT / "README.md").read_text("utf-8"))] + [
    Document(file.relative_to(ROOT).as_posix(), file.read_text("utf-8"))
    for file in sorted((ROOT / "docs").rglob("*.md"))
]
GHOSTS = [
    "`app/core/ghost.py`",
    "`GHOST_SETTING`",
    "`ghost_error_code`",
    "`GhostlyError`",
    "`GET /ghosts`",
    "`precis ghost`",
    "`python -m tests.gates.ghost`",
    "```sh\nprecis db ghost\n```",
]
REAL = [
    "`app/core/`",
    "`core/errors.py`",
    "`SECRET_KEY_FILE`",
    "`ProblemError`",
    "`/ping`",
    "`precis db bootstrap`",
]
GHOSTS_IN_CODE = [
    '"""When guessing locks (security.md 3.6)."""',
    '"""Two on every worker (docs/security.md\n3.3). And so on."""',
    'def f():\n    """The worker\'s side is `app/ghost.py`."""',
    'class A:\n    """In docs/ghost.md it stands."""',
    "x = 1  # the reasons: docs/decisions/0099-*.md",
    "# Tests are in tests/ghosts/, all of them.",
    "# See decision 0099.",
]
REAL_IN_CODE = [
    '"""Pages are kept (decision 0013); docs/asvs.md 6.1.1, `app/worker/`, app/core/errors.py."""',
    "# tests/gates/test_docs.py::test_x, app/*/router.py, docs/decisions/0013-*.md.",
    "# ASVS 99.1, RFC 9457 3.1, nginx/gunicorn, https://x.example/docs/ghost.md, /docs/ghost.json",
    'x = "app/ghost.py, decision 0099, security.md 3.6"',
]


def command_names(group: TyperGroup, prefix: str = "") -> set[str]:
    names: set[str] = set()
    for name, command in group.commands.items():
        inner = command_names(command, f"{prefix}{name} ") if isinstance(command, TyperGroup) else set()
        names |= inner or {prefix + name}
    return names


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    keys = tmp_path_factory.mktemp("keys")
    app = create_app(load_settings(environment=Environment.TESTING, testing=True, jwt_keys_dir=keys))
    routes = {context.path for context in iter_route_contexts(app.routes) if context.path}
    commands = get_command(cli)
    assert isinstance(commands, TyperGroup)
    settings = setting_names() | COMMAND_NAMES
    return House(ROOT, settings=settings, routes=routes, commands=command_names(commands))


@pytest.mark.parametrize("text", GHOSTS)
def test_ghost_is_found(house: House, text: str) -> None:
    assert list(find_ghosts(Document("README.md", text + "\n"), house))


@pytest.mark.parametrize("text", REAL)
def test_what_exists_is_no_ghost(house: House, text: str) -> None:
    assert list(find_ghosts(Document("README.md", text + "\n"), house)) == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: str(document.path))
def test_everything_named_exists(house: House, document: Document) -> None:
    assert list(find_ghosts(document, house)) == []


@pytest.mark.parametrize("text", GHOSTS_IN_CODE)
def test_ghost_in_docstring_or_comment_is_found(house: House, text: str) -> None:
    assert list(find_ghosts_in_code(Source("app/a.py", text + "\n"), house))


@pytest.mark.parametrize("text", REAL_IN_CODE)
def test_what_code_may_say_is_no_ghost(house: House, text: str) -> None:
    assert list(find_ghosts_in_code(Source("app/a.py", text + "\n"), house)) == []


def test_everything_that_code_points_at_exists(house: House) -> None:
    sources = read_sources(ROOT, "app", "tests")
    assert [ghost for source in sources for ghost in find_ghosts_in_code(source, house)] == []


def test_error_reference_is_the_catalogue() -> None:
    written = (ROOT / "docs/errors.md").read_text("utf-8")
    assert written == error_reference.render_reference(), (
        "python -m tests.gates.error_reference > docs/errors.md"
    )


def test_endpoint_reference_is_the_site() -> None:
    written = (ROOT / "docs/endpoints.md").read_text("utf-8")
    remedy = "python -m tests.gates.endpoint_reference > docs/endpoints.md"
    assert written == endpoint_reference.render_reference(), remedy


def test_map_of_rooms_is_the_tree() -> None:
    text = (ROOT / "docs/architecture.md").read_text("utf-8")
    mapped = set(re.findall(r"^\| `app/(\w+)/` \|", text, re.MULTILINE))
    rooms = {file.parent.name for file in (ROOT / "app").glob("*/__init__.py")}
    assert mapped == rooms


def test_every_lint_and_coverage_exclusion_is_listed() -> None:
    """`docs/quality.md` lists each with its reason; one added in pyproject.toml alone is refused."""
    quality = (ROOT / "docs/quality.md").read_text("utf-8")
    pyproject = (ROOT / "pyproject.toml").read_text("utf-8")
    tables = re.findall(r"^ignore = \[(.*?)^\]", pyproject, re.MULTILINE | re.DOTALL)
    tables += re.findall(
        r"^\[tool\.ruff\.lint\.per-file-ignores\](.*?)^\[tool", pyproject, re.MULTILINE | re.DOTALL
    )
    codes = {code for table in tables for code in re.findall(r'"([A-Z]+\d*)"', table)}
    assert sorted(code for code in codes if f"`{code}`" not in quality) == []
    assert codes


def test_decisions_are_short_and_complete() -> None:
    parts = ("## Context", "## Decision", "## Consequences", "## Alternatives", "## Files")
    for file in sorted((ROOT / "docs/decisions").glob("*.md")):
        text = file.read_text("utf-8")
        assert [part for part in parts if part not in text] == [], file.name
        assert text.count("\n") <= 60, file.name


def test_readme_fits_on_two_screens() -> None:
    lines = (ROOT / "README.md").read_text("utf-8").count("\n")
    assert 80 <= lines <= 150
