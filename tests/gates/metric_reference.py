"""The table of metrics in docs/observability.md, from what is registered.

`python -m tests.gates.metric_reference` writes it between its two marks.
"""

import sys
from pathlib import Path

from prometheus_client import REGISTRY
from prometheus_client.metrics import MetricWrapperBase

import app.main
import app.worker.process
from app.core.request_metrics import instrumentator_options

# Importing both programs is what registers their metrics, and so does measuring the first request.
PROGRAMS = (app.main.__name__, app.worker.process.__name__)
DOCUMENT = Path(__file__).resolve().parents[2] / "docs/observability.md"
BEGIN, END = "<!-- metrics: generated -->\n", "<!-- end of metrics -->\n"
OURS = ("precis_", "http_")
HEAD = "| Metric | Type | Labels | Meaning |\n|---|---|---|---|\n"


def registered() -> dict[str, MetricWrapperBase]:
    """By the name that a query uses, without a histogram's endings."""
    instrumentator_options()
    found = {}
    for metric in tuple(REGISTRY._collector_to_names):  # noqa: SLF001  # it lists them in no other way
        if isinstance(metric, MetricWrapperBase) and metric._name.startswith(OURS):  # noqa: SLF001  # as above
            ending = "_total" if metric._type == "counter" else ""  # noqa: SLF001  # as above
            found[metric._name + ending] = metric  # noqa: SLF001  # as above
    return dict(sorted(found.items()))


def render_table() -> str:
    return HEAD + "".join(_row(name, metric) for name, metric in registered().items())


def _row(name: str, metric: MetricWrapperBase) -> str:
    labels = " ".join(f"`{label}`" for label in metric._labelnames) or "none"  # noqa: SLF001  # as above
    meaning = " ".join(metric._documentation.split()).replace("|", "\\|")  # noqa: SLF001  # as above
    return f"| `{name}` | {metric._type} | {labels} | {meaning} |\n"  # noqa: SLF001  # as above


def table_of(text: str) -> str:
    return text.partition(BEGIN)[2].partition(END)[0]


def main() -> None:
    text = DOCUMENT.read_text("utf-8")
    DOCUMENT.write_text(text.replace(BEGIN + table_of(text), BEGIN + render_table()), "utf-8")
    sys.stdout.write(f"{len(registered())} metrics\n")


if __name__ == "__main__":
    main()
