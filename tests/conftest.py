"""What holds for every test: real servers, no way out of the machine, nothing blocks the event loop."""

import gc
import sys
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any

import pytest
from _pytest.nodeid import NodeId
from blockbuster import BlockBuster, blockbuster_ctx
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

pytest_plugins = ("tests.servers", "tests.fixtures")

# What an example takes is the machine's affair, as everywhere else in tests.
hypothesis_settings.register_profile(
    "precis", parent=hypothesis_settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("precis")

LOCAL_NAMES = {"localhost", "127.0.0.1", "::1", "", None}


def _refuse_other_machines(event: str, arguments: tuple[Any, ...]) -> None:  # Any: the interpreter's own
    if event == "socket.connect" and isinstance(arguments[1], tuple) and not _is_local(arguments[1][0]):
        raise RuntimeError(f"a test tried to reach {arguments[1]}")
    if event == "socket.getaddrinfo" and not _is_local(arguments[0]):
        raise RuntimeError(f"a test tried to resolve {arguments[0]!r}")


def _is_local(host: str | bytes | None) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    if name in LOCAL_NAMES:
        return True
    try:
        return ip_address(str(name)).is_loopback
    except ValueError:
        return False


sys.addaudithook(_refuse_other_machines)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What stands on one fleet stays in one process, and what takes long comes first.

    A slow test at the end would keep one process at work after the others. pytest-xdist 3.8 names a test's
    group in an attribute which pytest 9.2 no longer reads.
    """
    if not hasattr(config, "workerinput"):
        return
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
    for item in items:
        if (group := item.get_closest_marker("xdist_group")) is not None and "@" not in item.nodeid:
            item._id = NodeId.parse(f"{item.nodeid}@{group.args[0]}")  # noqa: SLF001  # as the plugin's own


def pytest_collection_finish() -> None:
    """What is loaded by now stays: the garbage collector walked through all of it in every test."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def blockbuster() -> Iterator[BlockBuster]:
    """A blocking call of ours inside a coroutine fails the test that made it."""
    with blockbuster_ctx(scanned_modules=["app"]) as blockbuster:
        for function in blockbuster.functions.values():
            # asyncpg looks for ~/.pgpass and client certificates, once a connection: microseconds.
            function.can_block_in("asyncpg/connect_utils.py", "_parse_connect_dsn_and_args")
            # A figure's lock is held for microseconds, by the thread that answers a scrape.
            function.can_block_in("prometheus_client/values.py", ("inc", "set", "get"))
            function.can_block_in("prometheus_client/metrics.py", "labels")
            # Coverage's own, where two threads first meet a file at one time.
            function.can_block_in("coverage/collector.py", "lock_data")
        yield blockbuster
