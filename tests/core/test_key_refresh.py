"""A rotation reaches a running process."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from app.core.key_refresh import refreshed
from app.core.key_rotation import rotate
from app.core.keyring import MANIFEST, KeyRing
from tests.core.small_app import configure_plain_logs

pytestmark = pytest.mark.unit


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110  # another thread makes it true
            await asyncio.sleep(0.01)


@pytest.fixture
def ring(tmp_path: Path) -> KeyRing:
    return KeyRing.load(tmp_path, create=True)


@pytest.fixture
def lines() -> Iterator[list[Any]]:  # Any: log fields
    configure_plain_logs()  # an app that was started before may have told of errors alone
    with capture_logs() as captured:
        yield captured


async def test_a_published_key_is_seen_without_a_restart(
    ring: KeyRing, tmp_path: Path, lines: list[Any]
) -> None:
    async with refreshed(ring, interval_seconds=0.01):
        await asyncio.sleep(0.1)  # looks that find nothing new
        assert len(ring.jwks()["keys"]) == 1
        await asyncio.to_thread(rotate, tmp_path)
        await until(lambda: bool(lines))
        assert len(ring.jwks()["keys"]) == 2
    assert lines == [{"event": "keys_reloaded", "log_level": "info", "active": ring.active.kid}]


async def test_a_broken_directory_leaves_the_loaded_keys_and_is_looked_at_again(
    ring: KeyRing, tmp_path: Path, lines: list[Any]
) -> None:
    manifest = tmp_path / MANIFEST
    sound = await asyncio.to_thread(manifest.read_bytes)
    async with refreshed(ring, interval_seconds=0.01):
        await asyncio.to_thread(manifest.write_bytes, b"nonsense")
        await until(lambda: bool(lines))
        assert len(ring.jwks()["keys"]) == 1
        await asyncio.to_thread(manifest.write_bytes, sound)
        await asyncio.to_thread(rotate, tmp_path)
        # The sound directory may be loaded once before it is rotated.
        await until(lambda: len(ring.jwks()["keys"]) == 2 and lines[-1]["event"] == "keys_reloaded")
    assert lines[0]["event"] == "keys_not_reloaded"
    assert lines[0]["reason"]
