"""The dashboards with data in them: `python -m tests.load.dashboards FOLDER [--seconds 120]`.

Starts PostgreSQL, Valkey, the API, a worker and Prometheus, lets people and programs use them, and draws each
dashboard's data into FOLDER as an SVG file. Prints how many panels, expressions and series there are.
"""

import argparse
import asyncio
import re
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from anyio.from_thread import start_blocking_portal
from asgi_lifespan import LifespanManager
from httpx2 import AsyncClient

from app.main import create_app
from app.settings import Settings
from deploy.grafana.generate import DASHBOARDS
from deploy.grafana.model import Dashboard, Kind, Panel
from tests.deploy.promql_names import names_in, queries
from tests.factories import Factory
from tests.load.logins import started
from tests.load.plots import Series, picture
from tests.load.traffic import Cast, Traffic, make_cast, site
from tests.load.watched import Sample, Watched, watched
from tests.webhooks.receiver import Receiver

PEOPLE = 6
REST_SECONDS = 1.5
POINTS = 60
# Longer than a scrape by enough, shorter than what happens here.
RATE_INTERVAL = "20s"
VARIABLES = {"$__rate_interval": RATE_INTERVAL, "$handler": ".*", "$instance": ".*"}


async def cast_of(settings: Settings) -> Cast:
    app = create_app(settings)
    async with LifespanManager(app):
        return await make_cast(Factory(app), people=PEOPLE)


async def use(service: Watched, cast: Cast, pages: Receiver, *, seconds: float) -> Mapping[int, int]:
    until = time.monotonic() + seconds
    async with AsyncClient(base_url=service.url, timeout=30, trust_env=False) as client:
        traffic, number = Traffic(client, cast, pages), 0
        await traffic.hook()
        while time.monotonic() < until:
            await traffic.round(number)
            await asyncio.sleep(REST_SECONDS * (1 + number % 3))
            number += 1
        await asyncio.gather(*traffic.watching)
    return traffic.statuses


def series_of(service: Watched, panel: Panel, *, start: float, end: float) -> list[Series]:
    found = []
    for query in panel.queries:
        expr = query.expr.replace("$__range", f"{end - start:.0f}s")
        for name, value in VARIABLES.items():
            expr = expr.replace(name, value)
        if panel.kind is Kind.LINES:
            samples = service.query_range(expr, start=start, end=end, step=(end - start) / POINTS)
        else:
            samples = service.query(expr)
        found += [Series(legend(query.legend, sample), numbers(sample)) for sample in samples]
    return [series for series in found if series.points]


def numbers(sample: Sample) -> tuple[tuple[float, float], ...]:
    return tuple(point for point in sample.points if point[1] == point[1])  # NaN is not itself


def legend(pattern: str, sample: Sample) -> str:
    return re.sub(r"{{(\w+)}}", lambda label: sample.labels.get(label[1], ""), pattern)


def draw(service: Watched, dashboard: Dashboard, folder: Path, *, start: float) -> str:
    """Its line for the table that is printed."""
    end = time.time()
    data = [series_of(service, panel, start=start, end=end) for panel in dashboard.panels]
    caption = (
        f"{end - start:.0f} s of traffic on one machine, rates over {RATE_INTERVAL}; no Grafana took part"
    )
    text = picture(dashboard, data, caption=caption)
    (folder / f"{dashboard.name}.svg").write_text(text, "utf-8")
    with_data, series = sum(bool(each) for each in data), sum(len(each) for each in data)
    expressions = sum(len(panel.queries) for panel in dashboard.panels)
    return (
        f"{dashboard.name:<10} {len(dashboard.panels):>3} panels, {with_data:>3} of them with data, "
        f"{expressions:>3} expressions, {series:>4} series drawn, {len(text) / 1024:.0f} KiB"
    )


def counts(service: Watched) -> list[str]:
    used = {name for _, _, query in queries() for name in names_in(query.expr)}
    by_job = service.query("sum by (job) (scrape_samples_post_metric_relabeling)")
    ours = service.query('count(count by (__name__) ({job=~"precis-.*"}))')
    panels = sum(len(dashboard.panels) for dashboard in DASHBOARDS)
    return [
        f"{panels} panels with {len(list(queries()))} expressions read {len(used)} names of metrics",
        f"the API and the worker expose {ours[0].value:.0f} names",
        *(f"series of {sample.labels['job']}: {sample.value:.0f}" for sample in by_job),
    ]


async def measure(settings: Settings, folder: Path, *, seconds: float) -> Sequence[str]:
    cast = await cast_of(settings)
    with (
        tempfile.TemporaryDirectory(prefix="precis-dashboards-") as place,
        # In a thread: a worker that stops waits for the endpoints that it has called.
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(site()) as pages,
    ):
        own = {"FETCH_ALLOW_HOSTS": f"127.0.0.1:{pages.port}", "RATE_LIMIT_SCALE": "5"}
        with watched(settings, Path(place), environment=own) as service:
            start = time.time()
            statuses = await use(service, cast, pages, seconds=seconds)
            lines = [draw(service, dashboard, folder, start=start) for dashboard in DASHBOARDS]
            answers = ", ".join(f"{count} x {status}" for status, count in sorted(statuses.items()))
            return [*lines, *counts(service), f"answers: {answers}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=float, default=120.0)
    wanted = parser.parse_args()
    wanted.folder.mkdir(parents=True, exist_ok=True)
    with started() as settings:
        lines = asyncio.run(measure(settings, wanted.folder, seconds=wanted.seconds))
    print("\n".join(lines))  # noqa: T201  # a script's output


if __name__ == "__main__":
    main()
