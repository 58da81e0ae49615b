"""Valkey dead, hung, full and forgetful: nobody is refused, and nobody reads what is no longer so."""

from collections.abc import Iterator
from contextlib import contextmanager

import redis

from app.local.ports import accepts
from tests.drills.processes import frozen, kill
from tests.drills.stand import Stand
from tests.tcp_proxy import with_port

START_SECONDS = 10


@contextmanager
def killed(stand: Stand) -> Iterator[None]:
    valkey = stand.child("valkey")
    kill(valkey)
    yield
    valkey.start()
    assert stand.until(lambda: accepts(stand.servers.valkey.target), seconds=START_SECONDS)
    stand.lifted()


@contextmanager
def restarted_empty(stand: Stand) -> Iterator[None]:
    """It keeps nothing on disk, so any restart is one without memory."""
    with killed(stand):
        yield


@contextmanager
def hung(stand: Stand) -> Iterator[None]:
    with frozen(stand.child("valkey")):
        yield


@contextmanager
def full(stand: Stand) -> Iterator[None]:
    """It answers, and refuses every write that needs memory."""
    url = with_port(stand.stack.environment["REDIS_URL"], stand.servers.valkey.target)
    with redis.Redis.from_url(url) as client:
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("maxmemory", "1")
        try:
            yield
        finally:
            client.config_set("maxmemory", "128mb")
            client.config_set("maxmemory-policy", "allkeys-lru")
