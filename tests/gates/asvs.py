"""docs/asvs.md as data: each requirement with what is said of it and the tests that are named for it."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

NUMBER = re.compile(r"\*\*(\d+\.\d+\.\d+)\*\* L[12]")
REFERENCE = re.compile(r"`([\w/]+\.py)::(test_\w+)`")
DEVIATION = re.compile(r"^- \*\*([\d., ]+)\*\*:", re.MULTILINE)
STATES = {"met", "deviates", "not ours"}
# How many requirements of levels 1 and 2 a section of ASVS 5.0.0 has; in all of these they come first.
SECTIONS = dict(
    pair.split(": ")
    for line in (
        "6.1: 3, 6.2: 12, 6.3: 4, 6.4: 4, 6.5: 5, 6.6: 3, 6.8: 4",
        "7.1: 3, 7.2: 4, 7.3: 2, 7.4: 5, 7.5: 2, 7.6: 2",
        "8.1: 2, 8.2: 3, 8.3: 1, 8.4: 1",
        "9.1: 3, 9.2: 4",
        "10.1: 2, 10.2: 2, 10.3: 4, 10.4: 11, 10.5: 5, 10.6: 2, 10.7: 3",
    )
    for pair in line.split(", ")
)
NUMBERS = [f"{section}.{n + 1}" for section, count in SECTIONS.items() for n in range(int(count))]


@dataclass(slots=True)
class Requirement:
    """`said` holds the first cell of each row below the number's, with the second."""

    number: str
    said: list[tuple[str, str]] = field(default_factory=list)


def read_requirements(document: str) -> list[Requirement]:
    found: list[Requirement] = []
    for line in document.partition("\n## ")[0].splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if number := NUMBER.fullmatch(cells[0]):
            found.append(Requirement(number[1]))
        elif found and line.startswith("|"):
            found[-1].said.append((cells[0], "|".join(cells[1:])))
    return found


def find_faults(document: str, root: Path) -> Iterator[str]:
    requirements = read_requirements(document)
    if [requirement.number for requirement in requirements] != NUMBERS:
        named = {requirement.number for requirement in requirements}
        yield f"left out, twice, out of order or unknown: {sorted(named ^ set(NUMBERS))}"
    for requirement in requirements:
        yield from (f"{requirement.number}: {fault}" for fault in _faults_of(requirement))
    deviating = {r.number for r in requirements if "deviates" in dict(r.said)}
    explained = {number for group in DEVIATION.findall(document) for number in group.split(", ")}
    yield from (f"{number}: differs here or below only" for number in sorted(deviating ^ explained))
    yield from _ghosts(document, root)


def _faults_of(requirement: Requirement) -> Iterator[str]:
    (state, how), *proofs = requirement.said or [("", "")]
    if state not in STATES or not how:
        yield "neither met, nor deviating, nor said to be none of ours"
    if state != "not ours" and not any(_proves(*proof) for proof in proofs):
        yield "names no test, and does not say why"


def _proves(kind: str, text: str) -> bool:
    return bool(text) and (kind == "no test" or (kind == "test" and REFERENCE.fullmatch(text) is not None))


def _ghosts(document: str, root: Path) -> Iterator[str]:
    tests: dict[str, set[str]] = {}
    for path, name in REFERENCE.findall(document):
        if path not in tests:
            tests[path] = _tests_in(root / path)
        if name not in tests[path]:
            yield f"{path}::{name} does not exist"


def _tests_in(file: Path) -> set[str]:
    if not file.is_file():
        return set()
    body = ast.parse(file.read_text("utf-8")).body
    return {node.name for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
