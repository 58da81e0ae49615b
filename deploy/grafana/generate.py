"""Writes deploy/grafana/dashboards/*.json: `make dashboards`, or `python -m deploy.grafana.generate`."""

import json
from pathlib import Path

from deploy.grafana.boards import auth, overview, queue, resources, slo, summaries, tenants
from deploy.grafana.model import Dashboard

FOLDER = Path(__file__).resolve().parent / "dashboards"
DASHBOARDS = (
    overview.DASHBOARD,
    slo.DASHBOARD,
    summaries.DASHBOARD,
    auth.DASHBOARD,
    tenants.DASHBOARD,
    queue.DASHBOARD,
    resources.DASHBOARD,
)


def rendered(dashboard: Dashboard) -> str:
    return json.dumps(dashboard.as_json(), indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for dashboard in DASHBOARDS:
        (FOLDER / f"{dashboard.name}.json").write_text(rendered(dashboard), "utf-8")


if __name__ == "__main__":
    main()
