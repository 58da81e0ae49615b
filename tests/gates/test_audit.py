"""The audit's verdicts: nothing unknown may pass for nothing found."""

import json
from collections.abc import Mapping
from datetime import date

import pytest

from tests.gates import audit

pytestmark = pytest.mark.unit
TODAY = date(2026, 11, 21)
IGNORE = audit.Ignore("CVE-1", "ecdsa", "never imported", date(2027, 1, 1))


def output(*packages: Mapping[str, object]) -> str:
    return json.dumps({"dependencies": packages, "fixes": []})


CLEAN = {"name": "redis", "version": "8.1", "vulns": []}
SKIPPED = {"name": "uvloop", "skip_reason": "Dependency not found"}
VULNERABLE = {"name": "ecdsa", "version": "0.19", "vulns": [{"id": "GHSA-1", "aliases": ["CVE-1"]}]}


@pytest.mark.parametrize("text", ["", "Traceback …", "[]", output(), output(SKIPPED), output(CLEAN, SKIPPED)])
def test_unanswered_audit_is_not_run_and_fails_where_required(text: str) -> None:
    verdict = audit.judge(audit.read_report(text), [], TODAY)
    assert verdict.not_run
    assert (verdict.exit_code(required=False), verdict.exit_code(required=True)) == (0, 1)


def test_open_advisory_fails() -> None:
    verdict = audit.judge(audit.read_report(output(VULNERABLE)), [], TODAY)
    assert verdict.failures == ("ecdsa 0.19: CVE-1, GHSA-1",)
    assert verdict.exit_code(required=False) == 1


def test_ignore_matches_an_alias_of_the_same_package_only() -> None:
    report = audit.read_report(output(VULNERABLE))
    assert audit.judge(report, [IGNORE], TODAY).failures == ()
    other = audit.Ignore("CVE-1", "redis", "…", date(2027, 1, 1))
    assert audit.judge(report, [other], TODAY).failures


def test_expired_ignore_fails_even_when_the_database_is_silent() -> None:
    verdict = audit.judge(None, [IGNORE], date(2027, 1, 2))
    assert verdict.failures[0].startswith("ignore of CVE-1 (ecdsa) expired on 2027-01-01")
    assert verdict.exit_code(required=False) == 1


def test_ignore_that_matches_nothing_is_noted() -> None:
    verdict = audit.judge(audit.read_report(output(CLEAN)), [IGNORE], TODAY)
    assert verdict.notes == ("ignore of CVE-1 (ecdsa) matches nothing: delete it",)


def test_ignore_without_reason_or_expiry_is_refused() -> None:
    with pytest.raises(TypeError):
        audit.read_ignores('[[ignore]]\nid = "CVE-1"\npackage = "ecdsa"\n')


def test_our_ignores_can_be_read_and_name_pinned_packages() -> None:
    lock = audit.LOCK.read_text("utf-8")
    for ignore in audit.read_ignores(audit.IGNORES.read_text("utf-8")):
        assert ignore.reason
        assert f"\n{ignore.package}==" in lock
