"""`make fleet`: the fleet on this machine until Ctrl-C, what stops being started again."""

import signal
import sys
import time

from app.local.account import LocalServerError
from app.local.watch import Watch
from tests.fleet.fleet import Fleet, FleetError
from tests.fleet.member import NotReadyError
from tests.fleet.programs import MissingProgramsError

LOOK_EVERY_SECONDS = 0.5
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LINES = """
The fleet is ready at {url} (certificate: {ca})

  curl --cacert {ca} {url}/health
  curl --cacert {ca} {url}/api/v1/summaries -H 'X-API-Key: <the API key>'

{credentials}

An article to summarise:  http://127.0.0.1:{samples}/lighthouse.html
Prometheus:               http://127.0.0.1:{prometheus}/targets
Alertmanager:             http://127.0.0.1:{alertmanager}
Logs of each part:        {logs}

{processes}

Stop: Ctrl-C. All data go with it.
"""


def main() -> int:
    for number in SIGNALS:
        signal.signal(number, signal.default_int_handler)
    try:
        say("starting the fleet")
        with Fleet() as fleet:
            try:
                say(welcome(fleet))
                watch(fleet)
            finally:
                # Once is enough: a second Ctrl-C must not interrupt the orderly stop.
                for number in SIGNALS:
                    signal.signal(number, signal.SIG_IGN)
    except KeyboardInterrupt:
        say("stopped")
    except (MissingProgramsError, LocalServerError, FleetError, NotReadyError) as error:
        sys.stderr.write(f"fleet: {error}\n")
        return 1
    return 0


def welcome(fleet: Fleet) -> str:
    members = fleet.members.values()
    return LINES.format(
        url=fleet.url,
        ca=fleet.folder / "edge" / "ca.pem",
        credentials=fleet.run("demo", "seed"),
        samples=fleet.members["samples"].port,
        prometheus=fleet.ports.prometheus,
        alertmanager=fleet.ports.alertmanager,
        logs=fleet.folder / "logs",
        processes="\n".join(f"  {m.name:13} port {m.port:<6} pid {m.pid}" for m in members),
    )


def watch(fleet: Fleet) -> None:
    """Until interrupted. Raises LocalServerError once a part has failed too often in a row."""
    watched = Watch([member.child for member in fleet.members.values() if member.child], say)
    while True:
        time.sleep(LOOK_EVERY_SECONDS)
        watched.look()


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
