"""The service as it is deployed, for a measurement: gunicorn's workers, PostgreSQL and Valkey of its own."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from app.local.account import server_account
from app.local.data_directory import throw_away_directory
from app.local.ports import LOOPBACK, free_port, url_of
from app.local.stack import Stack, base_environment
from app.settings import Settings, load_settings


@dataclass(frozen=True, slots=True)
class Fleet:
    """`settings` are those of its workers."""

    url: str
    settings: Settings


@contextmanager
def fleet(*, workers: int) -> Iterator[Fleet]:
    """Its limits are a thousand times higher, so that they are not what is measured."""
    with throw_away_directory(server_account()) as folder:
        environment = base_environment(os.environ, folder, host=LOOPBACK)
        wanted = {"LOG_LEVEL": "ERROR", "RATE_LIMIT_SCALE": "1000", "WEB_CONCURRENCY": str(workers)}
        stack = Stack(folder, server_account(), {**environment, **wanted})
        try:
            stack.start_servers(load_settings())
            stack.run_once("migrate")
            stack.environment["PORT"] = str(free_port())
            url = url_of(LOOPBACK, int(stack.environment["PORT"]))
            stack.wait_until_ready(url, stack.start("serve"))
            yield Fleet(url, _settings(stack.environment))
        finally:
            stack.stop()


def _settings(environment: dict[str, str]) -> Settings:
    os.environ.update(environment)
    return load_settings()
