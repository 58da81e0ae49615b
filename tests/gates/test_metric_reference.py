"""docs/observability.md lists every metric, with its type, labels and meaning, and none that is not there."""

import pytest
from prometheus_client import Gauge

from tests.gates.metric_reference import DOCUMENT, registered, render_table, table_of

pytestmark = pytest.mark.unit


def test_the_table_of_metrics_is_what_is_registered() -> None:
    written = table_of(DOCUMENT.read_text("utf-8"))
    assert written == render_table(), "python -m tests.gates.metric_reference"


def test_the_metrics_of_both_programs_are_among_them() -> None:
    library = {"http_requests_total", "http_request_size_bytes", "http_response_size_bytes"}
    assert registered().keys() > library | {"precis_auth_total", "precis_queue_jobs"}


def test_no_label_is_called_by_what_would_name_somebody() -> None:
    names = {label for metric in registered().values() for label in metric._labelnames}  # noqa: SLF001  # as there
    assert names.isdisjoint({"organization", "organization_id", "tenant", "user", "user_id", "url", "path"})


def test_every_gauge_says_how_processes_make_one_figure() -> None:
    """By default each process is a series of its own, with its process id for a label."""
    gauges = {name: metric for name, metric in registered().items() if isinstance(metric, Gauge)}
    assert len(gauges) > 10
    modes = {name: gauge._multiprocess_mode for name, gauge in gauges.items()}  # noqa: SLF001  # as there
    assert [name for name, mode in modes.items() if mode in {"all", "liveall"}] == []
