"""Reports of faults of our own, off by default: to Sentry, which is loaded only where SENTRY_DSN names it."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from app.settings import Settings

Report = Callable[[BaseException], object]


@dataclass
class _Process:
    """What of this module a process has one of."""

    report: Report | None = None


_process = _Process()


def configure_reports(settings: Settings, *, release: str) -> bool:
    """Whether they are sent."""
    if settings.sentry_dsn is None:
        return False
    # By name: 3 MB and a tenth of a second, for whoever has no use for it.
    configured: bool = import_module("app.core.sentry").configure_sentry(settings, release=release)
    return configured


def report_by(report: Report) -> None:
    _process.report = report


def report_fault(error: BaseException) -> None:
    """Nobody is told where nobody is to be."""
    if _process.report is not None:
        _process.report(error)
