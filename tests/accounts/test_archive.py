"""A zip written piece by piece."""

import hashlib
import io
import json
import zipfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from secrets import token_hex

import pytest

from app.accounts.archive import IN_MEMORY_BYTES, Archive, Record
from app.accounts.queries import TEXT_BYTES_A_PAGE, in_portions
from app.core.ids import new_id

pytestmark = pytest.mark.unit
NOW = datetime(2026, 11, 21, tzinfo=UTC)


async def pages(*rows: list[Record]) -> AsyncIterator[list[Record]]:
    for page in rows:
        yield page


async def read(archive: Archive) -> zipfile.ZipFile:
    await archive.finish(generated_at=NOW)
    content = b"".join([chunk async for chunk in archive.chunks()])
    await archive.close()
    return zipfile.ZipFile(io.BytesIO(content))


async def test_the_manifest_names_every_file_with_its_digest_and_count() -> None:
    archive = Archive()
    await archive.add("a.ndjson", pages([{"x": 1}, {"x": "ü"}], [], [{"x": NOW}]))
    await archive.add("empty.ndjson", pages())
    packed = await read(archive)
    content = packed.read("a.ndjson")
    assert [json.loads(line)["x"] for line in content.splitlines()] == [1, "ü", "2026-11-21T00:00:00Z"]
    manifest = json.loads(packed.read("manifest.json"))
    assert (manifest["format_version"], manifest["generated_at"]) == (1, "2026-11-21T00:00:00Z")
    a, empty = manifest["files"]
    assert a["sha256"] == hashlib.sha256(content).hexdigest()
    assert (a["name"], a["count"], a["bytes"]) == ("a.ndjson", 3, len(content))
    assert (empty["name"], empty["count"], packed.read("empty.ndjson")) == ("empty.ndjson", 0, b"")


async def test_what_is_large_lies_on_disk() -> None:
    archive = Archive()
    await archive.add("noise.ndjson", pages(*([{"x": token_hex(1000)}] for _ in range(2000))))
    assert (await archive.finish(generated_at=NOW)) > IN_MEMORY_BYTES
    packed = zipfile.ZipFile(io.BytesIO(b"".join([chunk async for chunk in archive.chunks()])))
    assert packed.testzip() is None
    await archive.close()


def test_texts_come_in_portions_of_bounded_size() -> None:
    half = TEXT_BYTES_A_PAGE // 2
    sizes = [half, half, 1, 2 * TEXT_BYTES_A_PAGE, 0, half]
    rows = [{"id": new_id(), "size": size} for size in sizes]
    assert [len(portion) for portion in in_portions(rows)] == [2, 1, 1, 2]
    assert list(in_portions([])) == []
