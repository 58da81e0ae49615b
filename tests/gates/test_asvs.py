"""The table of docs/asvs.md is complete, and every test that it names is there."""

from pathlib import Path

import pytest

from tests.gates.asvs import NUMBERS, find_faults, read_requirements

pytestmark = pytest.mark.unit
ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs/asvs.md").read_text("utf-8")


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("**6.2.9** L2", "**6.2.99** L2", "6.2.99"),
        ("| **9.1.1** L1 |", "| **9.1.2** L1 |", "9.1.1"),
        ("test_lockout.py::test_", "test_lockout.py::test_ghost_", "does not exist"),
        ("tests/auth/test_lockout.py", "tests/auth/test_ghost.py", "does not exist"),
        ("| no test | there is no such field |\n", "", "6.4.2: names no test"),
        ("| no test | there is no such field |", "| no test | |", "6.4.2: names no test"),
        ("| not ours | No SAML |", "| not ours | |", "6.8.3: neither met"),
        ("| not ours | No SAML |\n", "", "6.8.3: neither met"),
        ("- **6.2.5**:", "- 6.2.5:", "6.2.5: differs"),
        ("| deviates | None with", "| met | None with", "6.2.5: differs"),
    ],
)
def test_what_is_left_out_or_made_up_is_found(old: str, new: str, fault: str) -> None:
    assert old in DOCUMENT
    assert any(fault in found for found in find_faults(DOCUMENT.replace(old, new), ROOT))


def test_the_table_is_complete_and_names_no_ghost() -> None:
    assert list(find_faults(DOCUMENT, ROOT)) == []
    assert len(read_requirements(DOCUMENT)) == len(NUMBERS)


def test_its_lines_are_short_but_for_a_tests_long_name() -> None:
    prose = [line for line in DOCUMENT.splitlines() if not line.startswith("| test |")]
    assert [line for line in prose if len(line) > 120] == []
