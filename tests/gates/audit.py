"""Known vulnerabilities among the pinned dependencies: `python -m tests.gates.audit`.

An audit that could not ask the database has found nothing and shown nothing. It says NOT RUN, and fails
where CI_REQUIRE_AUDIT=1.
"""

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
IGNORES = Path(__file__).with_name("audit.toml")
LOCK = ROOT / "requirements.lock"
TIMEOUT_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Ignore:
    id: str
    package: str
    reason: str
    expires: date


@dataclass(frozen=True, slots=True)
class Finding:
    """One advisory about one pinned package; `ids` holds its aliases too."""

    package: str
    version: str
    ids: frozenset[str]

    def describe(self) -> str:
        return f"{self.package} {self.version}: {', '.join(sorted(self.ids))}"


@dataclass(frozen=True, slots=True)
class Report:
    audited: int
    unaudited: tuple[str, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    failures: tuple[str, ...]
    not_run: str | None
    notes: tuple[str, ...]

    def exit_code(self, *, required: bool) -> int:
        return 1 if self.failures or (required and self.not_run) else 0


def read_ignores(text: str) -> list[Ignore]:
    """Raises TypeError where an ignore lacks its reason or its expiry."""
    return [Ignore(**entry) for entry in tomllib.loads(text).get("ignore", [])]


def read_report(output: str) -> Report | None:
    """pip-audit's JSON; None where it wrote none, which is how it fails to reach the database."""
    try:
        packages: list[dict[str, Any]] = json.loads(output)["dependencies"]  # Any: pip-audit's JSON
    except (ValueError, KeyError, TypeError):
        return None
    findings = [
        Finding(package["name"], package["version"], frozenset([vuln["id"], *vuln.get("aliases", [])]))
        for package in packages
        for vuln in package.get("vulns", [])
    ]
    unaudited = tuple(package["name"] for package in packages if "skip_reason" in package)
    return Report(len(packages) - len(unaudited), unaudited, tuple(findings))


def judge(report: Report | None, ignores: Sequence[Ignore], today: date) -> Verdict:
    expired = [
        f"ignore of {i.id} ({i.package}) expired on {i.expires}: {i.reason}"
        for i in ignores
        if i.expires < today
    ]
    if report is None:
        return Verdict(tuple(expired), "the vulnerability database could not be asked", ())
    ignored = {(ignore.package, ignore.id) for ignore in ignores}
    open_findings = [
        finding.describe()
        for finding in report.findings
        if not ignored & {(finding.package, id_) for id_ in finding.ids}
    ]
    return Verdict((*expired, *open_findings), _gap(report), _unneeded(report, ignores))


def _gap(report: Report) -> str | None:
    """pip-audit calls a package that the database does not know skipped, and still exits with 0."""
    if not report.unaudited and report.audited:
        return None
    total = report.audited + len(report.unaudited)
    return f"the vulnerability database knew {report.audited} of {total} packages"


def _unneeded(report: Report, ignores: Sequence[Ignore]) -> tuple[str, ...]:
    found = {(finding.package, id_) for finding in report.findings for id_ in finding.ids}
    audited = report.audited > 0
    return tuple(
        f"ignore of {i.id} ({i.package}) matches nothing: delete it"
        for i in ignores
        if audited and i.package not in report.unaudited and (i.package, i.id) not in found
    )


def run_pip_audit() -> str:
    command = [sys.executable, "-m", "pip_audit", "-r", str(LOCK), "--disable-pip"]
    command += ["-f", "json", "--progress-spinner", "off"]
    try:
        done = subprocess.run(  # noqa: S603  # our own arguments
            command, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return ""
    return done.stdout


def _lines(report: Report | None, verdict: Verdict) -> list[str]:
    lines = [f"note: {note}" for note in verdict.notes]
    lines += [f"FAILED: {failure}" for failure in verdict.failures]
    if verdict.not_run:
        lines.append(f"NOT RUN: {verdict.not_run}. Nothing is known about the rest.")
    elif report and not verdict.failures:
        lines.append(f"{report.audited} packages, nothing open")
    return lines


def main() -> int:
    report = read_report(run_pip_audit())
    verdict = judge(report, read_ignores(IGNORES.read_text("utf-8")), datetime.now(UTC).date())
    sys.stdout.writelines(f"audit: {line}\n" for line in _lines(report, verdict))
    return verdict.exit_code(required=os.environ.get("CI_REQUIRE_AUDIT") == "1")


if __name__ == "__main__":
    sys.exit(main())
