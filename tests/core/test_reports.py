from collections.abc import Iterator

import pytest
import sentry_sdk

from app.core import reports
from app.core.reports import configure_reports, report_by, report_fault
from tests.core.small_app import small_settings

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def told() -> Iterator[list[BaseException]]:
    found: list[BaseException] = []
    former = reports._process.report  # noqa: SLF001  # put back, for it is the process's
    report_by(found.append)
    yield found
    reports._process.report = former  # noqa: SLF001  # as above


def test_without_a_dsn_nothing_is_configured(told: list[BaseException]) -> None:
    assert not configure_reports(small_settings(), release="1")
    report_fault(fault := RuntimeError())
    assert told == [fault]


def test_with_a_dsn_reports_go_to_sentry(told: list[BaseException]) -> None:
    dsn = "https://public@sentry.invalid/1"
    assert configure_reports(small_settings(sentry_dsn=dsn), release="1")
    sentry_sdk.get_client().close(timeout=0)
    sentry_sdk.get_global_scope().set_client(None)
    report_fault(RuntimeError())
    assert told == []


def test_a_fault_that_nobody_wants_to_hear_of_goes_nowhere(
    told: list[BaseException], capfd: pytest.CaptureFixture[str]
) -> None:
    reports._process.report = None  # noqa: SLF001  # as at the start of a process
    report_fault(RuntimeError("unheard"))
    report_by(told.append)
    report_fault(heard := RuntimeError("heard"))
    assert told == [heard]
    assert capfd.readouterr() == ("", "")
