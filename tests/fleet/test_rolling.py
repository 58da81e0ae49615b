"""The drill of `python -m tests.fleet.rolling`, each of its steps once."""

import pytest

from tests.fleet.fleet import Fleet
from tests.fleet.rolling import Drill, table

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.xdist_group("services")]


def test_reload_and_restart_lose_no_request_no_event_and_no_summary(
    fleet: Fleet, headers: dict[str, str]
) -> None:
    # Eight clients that never rest would leave no processor to what is being started.
    drill = Drill(fleet, headers, requests=300, pause_seconds=0.1)
    report = drill.run(reloaded=["api-1"], restarted=["api-2", "worker-1"])
    assert report.faults == [], table(report)
    assert all(one.told_to_reconnect for one in report.followers)
