"""A real Prometheus over the committed rules, in a hurry: seconds where production has minutes."""

import json
import re
import shutil
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from app.core.schema_version import ROOT
from app.local.ports import LOOPBACK, free_port
from app.local.process import Child, Command

PROMETHEUS = shutil.which("prometheus")
RULES = ROOT / "deploy" / "prometheus" / "rules"
WINDOW = re.compile(r"\[(\d+)([smhd])\]")
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
SHORT_WINDOW_SECONDS = 300
# They speak of what is always so, or of this machine being small.
BACKGROUND = {"Watchdog"}
# Nothing has been scraped yet.
AT_FIRST = {"ApiDown", "NoWorkers"}


class Alarms:
    """Without the program or without rules it never fires."""

    def __init__(self, folder: Path, targets: dict[str, int]) -> None:
        self._port = free_port()
        self._folder = folder / "prometheus"
        self._targets = targets
        self._child: Child | None = None
        self.present = PROMETHEUS is not None and any(RULES.glob("*.yml"))

    def start(self) -> None:
        if not self.present:
            return
        self._folder.mkdir()
        for rules in RULES.glob("*.yml"):
            (self._folder / rules.name).write_text(hurried(rules.read_text("utf-8")), "utf-8")
        # JSON is YAML.
        configuration = self._folder / "prometheus.yml"
        configuration.write_text(json.dumps(self._configuration()), "utf-8")
        arguments = [
            f"--config.file={configuration}",
            f"--storage.tsdb.path={self._folder / 'data'}",
            f"--web.listen-address={LOOPBACK}:{self._port}",
        ]
        log = self._folder / "log"
        self._child = Child("prometheus", Command([PROMETHEUS or "", *arguments], log=log))

    def firing(self) -> set[str]:
        if self._child is None:
            return set()
        alerts = self._ask("alerts").get("alerts", [])
        return {one["labels"]["alertname"] for one in alerts if one["state"] == "firing"} - BACKGROUND

    def _has_seen(self) -> bool:
        targets = self._ask("targets").get("activeTargets", [])
        return bool(targets) and all(target["health"] == "up" for target in targets)

    def _ask(self, what: str) -> dict[str, Any]:  # Any: JSON
        """Nothing while it starts."""
        url = f"http://{LOOPBACK}:{self._port}/api/v1/{what}"
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:  # our own
                data: dict[str, Any] = json.load(answer)["data"]  # Any: as above
        except (urllib.error.URLError, OSError):
            return {}
        return data

    def is_awake(self) -> bool:
        """It has seen our processes, and does not miss them any more."""
        return self._child is None or (self._has_seen() and not self.firing() & AT_FIRST)

    def stop(self) -> None:
        if self._child is not None:
            self._child.stop()

    def _configuration(self) -> dict[str, object]:
        jobs = [
            {"job_name": job, "static_configs": [{"targets": [f"{LOOPBACK}:{port}"]}]}
            for job, port in self._targets.items()
        ]
        hurry = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
        rules = [str(self._folder / rules.name) for rules in RULES.glob("*.yml")]
        return {"global": hurry, "rule_files": rules, "scrape_configs": jobs}


def hurried(rules: str) -> str:
    """Windows of minutes become 10 s, longer ones 20 s; what must last does so for a second."""
    quick = WINDOW.sub(lambda found: f"[{_seconds(int(found[1]) * SECONDS[found[2]])}s]", rules)
    return re.sub(r"\b(for|interval): \d+[smhd]", r"\1: 1s", quick)


def _seconds(real: int) -> int:
    return 10 if real <= SHORT_WINDOW_SECONDS else 20
