"""What README, docs and our own code say by name, and whether it exists: who names a ghost is refused.

In a document only what stands in backticks or in a shell block is a claim; in code, which docstrings and
comments point at: files and folders of ours, numbered sections of documents, decisions.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.gates.house import Source

FENCE = re.compile(r"^```(?P<language>\w*)\n(?P<body>.*?)^```", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
FILE_ENDINGS = r"\.(py|md|yml|yaml|toml|sh|conf|ini|lock|env|json|html|txt)"
PATH = re.compile(rf"^(?!(application|text|image)/)(\.?[\w.*-]+/)+[\w.*-]*$|^[\w.-]+{FILE_ENDINGS}$")
SETTING = re.compile(r"^([A-Z][A-Z0-9]{2,}(?:_[A-Z0-9]+)*)(=\S*)?$")
NAME = re.compile(r"^[a-z][a-z0-9]*(_[a-z0-9]+)+(\(\))?$|^[A-Z][a-z]+([A-Z][a-z0-9]+)+$")
ROUTE = re.compile(r"^((GET|POST|PUT|PATCH|DELETE|WS) )?(?P<path>/[\w./{}-]*)(\?.*)?$")
MACHINE_PATH = re.compile(r"^/(run|dev|etc|var|srv|opt|tmp)/")
COMMAND = re.compile(r"^\$? ?(?P<words>(\./run|\./test|precis|python -m|make|docker compose)\b ?.*)$")
# Words of HTTP and SQL that look like settings.
NO_SETTINGS = {
    "GET",
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "HEAD",
    "OPTIONS",
    "SIGTERM",
    "SIGHUP",
    "SELECT",
    "FORCE",
}
# With its ending or a last slash: what has neither may be two words ("nginx/gunicorn").
POINTED_PATH = re.compile(
    rf"(?<![\w./-])(app|tests|docs|alembic|deploy|nginx)/([\w.*-]+/)*([\w.*-]*{FILE_ENDINGS}\b)?"
)
POINTED_SECTION = re.compile(r"(?P<document>[\w.-]+\.md)\s+(?P<number>\d+(\.\d+)+)(?!\w)")
POINTED_DECISION = re.compile(r"\bdecision (?P<number>\d{4})\b")
METRIC_ENDINGS = re.compile(r"_(total|created|bucket|count|sum)$")
CODE = ("app", "alembic", "deploy", "nginx", "tests")
CODE_FILES = (
    "gunicorn.conf.py",
    "pyproject.toml",
    "run",
    "test",
    "Makefile",
    "docker-compose.yml",
    "docker-compose.prod.yml",
)


@dataclass(frozen=True, slots=True)
class Document:
    """`path` is relative to the root."""

    path: str
    text: str

    @property
    def spans(self) -> list[str]:
        return SPAN.findall(FENCE.sub("", self.text))

    @property
    def shell_lines(self) -> list[str]:
        blocks = [m["body"] for m in FENCE.finditer(self.text) if m["language"] in {"sh", "bash", "console"}]
        return [line.strip() for block in blocks for line in block.splitlines() if line.strip()]

    @property
    def commands(self) -> list[str]:
        found = (COMMAND.match(text) for text in (*self.spans, *self.shell_lines))
        return [match["words"].partition("#")[0].strip() for match in found if match]


class House:
    """The tree that documents are held against."""

    def __init__(self, root: Path, *, settings: set[str], routes: set[str], commands: set[str]) -> None:
        self.root = root
        self.settings = settings
        self.routes = {shape_of(route) for route in routes}
        self.commands = commands

    @cached_property
    def words(self) -> set[str]:
        files = [file for folder in CODE for file in (self.root / folder).rglob("*") if self._is_code(file)]
        files += [self.root / name for name in CODE_FILES if (self.root / name).is_file()]
        return {word for file in files for word in re.findall(r"\w+", file.read_text("utf-8", "replace"))}

    @staticmethod
    def _is_code(file: Path) -> bool:
        """Not the gate's own tests: the ghosts they name are made up."""
        return file.is_file() and file.suffix not in {".pyc", ".bloom", ".md"} and file.name != "test_docs.py"

    def has_path(self, path: str, beside: str) -> bool:
        """From the root, from app/, or from the document's own folder; a bare name may stand in any room."""
        folders = (self.root, self.root / "app", (self.root / beside).parent)
        pattern = path.rstrip("/").removeprefix("./")
        if any(any(folder.glob(pattern)) for folder in folders):
            return True
        return "/" not in pattern and any(any((self.root / room).rglob(pattern)) for room in CODE)

    def has_section(self, document: str, number: str) -> bool:
        """As a heading's number, or as a row's, which ASVS has."""
        files = [self.root / document, *(self.root / "docs").rglob(document)]
        begins = re.compile(rf"^(#+|\|) *\**{re.escape(number)}(?![\w.]*\d)", re.MULTILINE)
        return any(begins.search(file.read_text("utf-8")) for file in files if file.is_file())

    def has_decision(self, number: str) -> bool:
        return any((self.root / "docs/decisions").glob(f"{number}-*.md"))

    def has_setting(self, name: str) -> bool:
        return name.removesuffix("_FILE") in self.settings or name in self.words

    def has_name(self, name: str) -> bool:
        name = name.removesuffix("()")
        return name in self.words or METRIC_ENDINGS.sub("", name) in self.words

    def has_command(self, command: str) -> bool:
        program, _, rest = command.partition(" ")
        if program == "precis":
            return not rest or any(f"{rest} ".startswith(f"{known} ") for known in self.commands)
        if program == "python":
            module = rest.split()[1]
            return self.has_path(module.replace(".", "/") + "*", "")
        if program == "make":
            return all(re.search(rf"^{target}:", self._makefile, re.MULTILINE) for target in rest.split()[:1])
        return program == "docker" or (self.root / program).is_file()

    @property
    def _makefile(self) -> str:
        file = self.root / "Makefile"
        return file.read_text("utf-8") if file.is_file() else ""


def shape_of(route: str) -> str:
    """Parameters by place, not by name; without the prefix that documents leave out."""
    return re.sub(r"\{[^}]*\}", "{}", route.removeprefix("/api/v1").rstrip("/") or "/")


def find_ghosts(document: Document, house: House) -> Iterator[str]:
    for span in document.spans:
        if not _exists(span, document, house):
            yield f"{document.path}: `{span}` does not exist"
    for command in document.commands:
        if not house.has_command(command):
            yield f"{document.path}: command `{command}` does not exist"


def find_ghosts_in_code(source: Source, house: House) -> Iterator[str]:
    for prose in prose_of(source):
        for match in POINTED_PATH.finditer(prose):
            if not house.has_path(match[0], source.path):
                yield f"{source.path}: {match[0]} does not exist"
        for match in POINTED_SECTION.finditer(prose):
            if not house.has_section(match["document"], match["number"]):
                yield f"{source.path}: {match['document']} has no {match['number']}"
        for match in POINTED_DECISION.finditer(prose):
            if not house.has_decision(match["number"]):
                yield f"{source.path}: there is no decision {match['number']}"


def prose_of(source: Source) -> Iterator[str]:
    """Each docstring and each comment's line, as written; not the texts that the code works with."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node) or ""
    for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
        if token.type == tokenize.COMMENT:
            yield token.string


def _exists(span: str, document: Document, house: House) -> bool:
    if setting := SETTING.match(span):
        return setting[1] in NO_SETTINGS or house.has_setting(setting[1])
    if route := ROUTE.match(span):
        path = route["path"]
        return bool(MACHINE_PATH.match(path)) or shape_of(path) in house.routes
    if NAME.match(span):
        return house.has_name(span)
    return not PATH.match(span) or house.has_path(span, document.path)
