"""Our own laws as lint: what ruff and the import contracts cannot say. Each rule yields `path:line: what`."""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

MAX_FILE_LINES = 300
# A test tells a story, in order; what is tested has no excuse.
MAX_FUNCTION_LINES = {"app": 40, "tests": 60}
VAGUE_NAMES = {"util", "utils", "helper", "helpers", "common", "misc", "shared"}
BUILDERS = {"select", "insert", "update", "delete", "text"}
# Rooms that are given a session and a tenant, or own a table that has none.
STATEMENT_ROOMS = {"repository.py", "store.py", "queries.py"}
# What asks the database of itself, the queue's door, kept answers, and who names the tenant for others.
STATEMENT_FILES = {
    f"app/core/{name}.py" for name in ("db", "idempotency_store", "job_waking", "jobs", "tenant_reads")
}
PRINTING_ROOMS = ("app/commands", "app/local")
SESSION_WIDE_SETTING = re.compile(r"SET\s+(SESSION\s+)?app\.|set_config\([^)]*,\s*false\s*\)", re.IGNORECASE)
SUPPRESSION = re.compile(r"#\s*(noqa|type:\s*ignore|pragma:\s*no (cover|branch))\b(?P<rest>.*)")


@dataclass(frozen=True, slots=True)
class Source:
    """A Python file: `path` relative to the root, with forward slashes."""

    path: str
    text: str

    @property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]


Rule = Callable[[Source], Iterator[str]]


def read_sources(root: Path, *folders: str) -> list[Source]:
    files = sorted(file for folder in folders for file in (root / folder).rglob("*.py"))
    return [Source(file.relative_to(root).as_posix(), file.read_text("utf-8")) for file in files]


def check_length(source: Source) -> Iterator[str]:
    lines = source.text.count("\n")
    if lines > MAX_FILE_LINES:
        yield f"{source.path}:1: {lines} lines, over {MAX_FILE_LINES}: is it still one room?"


def check_function_length(source: Source) -> Iterator[str]:
    most = MAX_FUNCTION_LINES[source.path.partition("/")[0]]
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > most:
                yield f"{source.path}:{node.lineno}: {node.name} has {lines} lines, over {most}"


def check_name(source: Source) -> Iterator[str]:
    vague = VAGUE_NAMES.intersection(source.path.removesuffix(".py").split("/"))
    if vague:
        yield f"{source.path}:1: {vague.pop()} names no concern"


def check_imports_at_top(source: Source) -> Iterator[str]:
    for function in ast.walk(source.tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.Import | ast.ImportFrom):
                yield f"{source.path}:{node.lineno}: import inside {function.name}"


def check_no_type_checking(source: Source) -> Iterator[str]:
    for node in ast.walk(source.tree):
        name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
        if name == "TYPE_CHECKING":
            yield f"{source.path}:{node.lineno}: TYPE_CHECKING hides a cycle"  # type: ignore[attr-defined]  # both have it


def check_statements_in_their_room(source: Source) -> Iterator[str]:
    """A repository is born with its tenant; a statement built elsewhere can forget it."""
    if source.name in STATEMENT_ROOMS or source.path in STATEMENT_FILES:
        return
    tree = source.tree
    builders = _imported_builders(tree)
    if source.name == "models.py":
        builders.discard("text")  # defaults and index predicates are no statements
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        called = ast.unparse(call.func)
        if called in builders or re.search(r"session\.(get|get_one|query)$", called):
            yield f"{source.path}:{call.lineno}: {called}(…) outside a repository"


def _imported_builders(tree: ast.Module) -> set[str]:
    """Every spelling by which this module can build a statement: `select`, `pg_insert`, `sa.select`."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sqlalchemy"):
            names.update(alias.asname or alias.name for alias in node.names if alias.name in BUILDERS)
        elif isinstance(node, ast.Import):
            modules = [a.asname or a.name for a in node.names if a.name.startswith("sqlalchemy")]
            names.update(f"{module}.{builder}" for module in modules for builder in BUILDERS)
    return names


def check_no_print(source: Source) -> Iterator[str]:
    if source.path.startswith(PRINTING_ROOMS):
        return
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "print":
            yield f"{source.path}:{node.lineno}: print: the log is structured"


def check_no_session_wide_tenant(source: Source) -> Iterator[str]:
    """Through PgBouncer a session-level setting reaches the next client: foreign rows, when it was tried."""
    for match in SESSION_WIDE_SETTING.finditer(source.text):
        line = source.text.count("\n", 0, match.start()) + 1
        yield f"{source.path}:{line}: a setting that outlives its transaction"


def check_suppressions_have_reasons(source: Source) -> Iterator[str]:
    for number, line in enumerate(source.text.splitlines(), 1):
        match = SUPPRESSION.search(line)
        if match and "#" not in match["rest"]:
            yield f"{source.path}:{number}: {match[1]} without its reason"


EVERYWHERE: tuple[Rule, ...] = (
    check_length,
    check_function_length,
    check_name,
    check_imports_at_top,
    check_no_type_checking,
    check_suppressions_have_reasons,
)
IN_APP: tuple[Rule, ...] = (check_statements_in_their_room, check_no_print, check_no_session_wide_tenant)
