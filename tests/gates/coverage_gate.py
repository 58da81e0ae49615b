"""Branch coverage as a gate: `python -m tests.gates.coverage_gate coverage.json`."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

OVERALL_PERCENT = 95.0
# Here a line that no test ran is a way in.
COMPLETE = ("app/core/", "app/auth/", "app/api_keys/", "app/organizations/")


@dataclass(frozen=True, slots=True)
class FileCoverage:
    """Lines and branches together, as coverage.py counts them."""

    path: str
    covered: int
    total: int
    missing: str

    @property
    def percent(self) -> float:
        return 100.0 * self.covered / self.total if self.total else 100.0

    def describe(self) -> str:
        return f"{self.path} {self.percent:.1f} %: {self.missing}"


def read_coverage(report: dict[str, Any]) -> list[FileCoverage]:  # Any: coverage.py's JSON
    """Raises ValueError when branches were not measured: the percentages would look better than they are."""
    if not report["meta"]["branch_coverage"]:
        raise ValueError("measured without branches: [tool.coverage.run] branch = true")
    return [_read_file(path, entry) for path, entry in sorted(report["files"].items())]


def _read_file(path: str, entry: dict[str, Any]) -> FileCoverage:  # Any: coverage.py's JSON
    summary = entry["summary"]
    missing = [str(line) for line in entry["missing_lines"]]
    missing += [f"{start}->{'exit' if end < 0 else end}" for start, end in entry["missing_branches"]]
    return FileCoverage(
        path.replace("\\", "/"),
        summary["covered_lines"] + summary["covered_branches"],
        summary["num_statements"] + summary["num_branches"],
        ", ".join(missing),
    )


def find_faults(files: list[FileCoverage]) -> list[str]:
    faults = [
        f"must be 100 %: {file.describe()}"
        for file in files
        if file.path.startswith(COMPLETE) and file.missing
    ]
    faults += [f"nothing measured under {room}" for room in COMPLETE if not _measured(room, files)]
    overall = _overall(files)
    if overall < OVERALL_PERCENT:
        faults.append(f"overall {overall:.2f} % is below {OVERALL_PERCENT:.0f} %; the furthest below:")
        below = sorted((f for f in files if f.percent < OVERALL_PERCENT), key=lambda f: f.covered - f.total)
        faults += [f"  {file.describe()}" for file in below[:15]]
    return faults


def _measured(room: str, files: list[FileCoverage]) -> bool:
    return any(file.path.startswith(room) and file.total for file in files)


def _overall(files: list[FileCoverage]) -> float:
    total = sum(file.total for file in files)
    return 100.0 * sum(file.covered for file in files) / total if total else 0.0


def main(path: str) -> int:
    files = read_coverage(json.loads(Path(path).read_text("utf-8")))
    faults = find_faults(files)
    verdict = f"{_overall(files):.2f} % of {len(files)} files, {'FAILED' if faults else 'as demanded'}"
    sys.stdout.writelines(f"coverage: {line}\n" for line in (*faults, verdict))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
