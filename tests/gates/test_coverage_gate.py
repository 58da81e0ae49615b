import pytest

from tests.gates.coverage_gate import COMPLETE, FileCoverage, find_faults, read_coverage

pytestmark = pytest.mark.unit
FULL = [FileCoverage(f"{room}a.py", 10, 10, "") for room in COMPLETE]


def test_one_missing_branch_in_a_security_room_fails() -> None:
    faults = find_faults([*FULL, FileCoverage("app/auth/service.py", 999, 1000, "7->9")])
    assert faults == ["must be 100 %: app/auth/service.py 99.9 %: 7->9"]


def test_security_room_that_was_not_measured_fails() -> None:
    assert find_faults(FULL[1:]) == ["nothing measured under app/core/"]


def test_low_overall_fails_and_names_the_files() -> None:
    faults = find_faults([*FULL, FileCoverage("app/reading/fetch.py", 50, 100, "1, 2")])
    assert faults[0].startswith("overall 64.29 % is below 95 %")
    assert faults[1] == "  app/reading/fetch.py 50.0 %: 1, 2"


def test_small_gap_elsewhere_passes() -> None:
    assert find_faults([*FULL, FileCoverage("app/reading/fetch.py", 99, 100, "1")]) == []


def test_measurement_without_branches_is_refused() -> None:
    with pytest.raises(ValueError, match="without branches"):
        read_coverage({"meta": {"branch_coverage": False}, "files": {}})


def test_missing_exit_branch_is_readable() -> None:
    summary = {"covered_lines": 1, "covered_branches": 1, "num_statements": 1, "num_branches": 2}
    entry = {"summary": summary, "missing_lines": [], "missing_branches": [[4, -1]]}
    [file] = read_coverage({"meta": {"branch_coverage": True}, "files": {"app/a.py": entry}})
    assert (file.covered, file.total, file.missing) == (2, 3, "4->exit")
