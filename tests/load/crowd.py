"""A crowd at a whole service: `python -m tests.load.crowd [--users 50] [--seconds 60]`.

Starts an API process, a worker, PostgreSQL and Valkey, makes a cast, and has locust play
tests/load/locustfile.py. Ends with 1 where a single request failed.
"""

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from asgi_lifespan import LifespanManager

from app.core.principal import StaffRole
from app.core.schema_version import ROOT
from app.local.process import Child, Command
from app.local.stack import precis
from app.main import create_app
from app.settings import Settings
from tests.factories import PASSWORD, Factory
from tests.load.fleet import fleet

PEOPLE = 50
OWN_UV = ROOT / ".tools/bin/uv"


async def cast_of(settings: Settings) -> dict[str, str | list[str]]:
    """Each person owns an organisation of a plan that no quota stops, and a program with a key."""
    app = create_app(settings)
    async with LifespanManager(app):
        factory = Factory(app)
        staff = await factory.person("staff", role=StaffRole.SUPER_ADMIN)
        people = [await factory.person(f"person{number}") for number in range(PEOPLE)]
        for person in people:
            await factory.enlarge(person)
        keys = [(await factory.robot(person)).api_key for person in people]
    names = [person.username for person in people]
    return {"people": names, "keys": keys, "staff": staff.username, "password": PASSWORD}


@contextmanager
def working() -> Iterator[None]:
    """A worker on the servers of the environment."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "worker.log"
        worker = Child("worker", Command(precis("worker"), environment=os.environ, directory=ROOT, log=log))
        try:
            yield
        finally:
            worker.stop()


def played(url: str, cast: Path, *, users: int, seconds: int) -> int:
    """Locust's verdict."""
    uv = shutil.which("uv") or str(OWN_UV)
    options = ["--headless", "--only-summary", "-u", str(users), "-r", str(users), "-t", f"{seconds}s"]
    command = [uv, "tool", "run", "locust", "-f", str(ROOT / "tests/load/locustfile.py"), "-H", url, *options]
    environment = {**os.environ, "CAST": str(cast), "no_proxy": "127.0.0.1"}
    return subprocess.run(command, env=environment, check=False, timeout=seconds + 120).returncode  # noqa: S603  # what the load is made with


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=50)
    parser.add_argument("--seconds", type=int, default=60)
    options = parser.parse_args()
    with fleet(workers=1) as service, tempfile.TemporaryDirectory() as folder, working():
        cast = Path(folder) / "cast.json"
        cast.write_text(json.dumps(asyncio.run(cast_of(service.settings))), "utf-8")
        return played(service.url, cast, users=options.users, seconds=options.seconds)


if __name__ == "__main__":
    sys.exit(main())
