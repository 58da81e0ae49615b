"""What uploads cost the API process in memory: `python -m tests.load.uploads [--mebibytes 20] [--at-once 8]`.

A real server of one worker is sent files of text as chunks, one at a time and several at once. Printed is the
worker's peak (VmHWM, reset before each run) above what it had, as a multiple of one file. The first upload is
not counted: it imports and connects.
"""

import argparse
import asyncio
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

from asgi_lifespan import LifespanManager
from httpx2 import AsyncClient

from app.main import create_app
from tests.factories import Factory, Person
from tests.load.export import api_workers
from tests.load.fleet import Fleet, fleet

MIB = 1024 * 1024
CHUNK = 64 * 1024
BOUNDARY = "boundary"
HEAD = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'.encode()
TAIL = f"\r\n--{BOUNDARY}--\r\n".encode()
RESET_PEAK = "5"


def status_mib(pid: int, name: str) -> float:
    lines = Path(f"/proc/{pid}/status").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{name}:"))


def reset_peak(pid: int) -> None:
    Path(f"/proc/{pid}/clear_refs").write_text(RESET_PEAK, "ascii")


async def body_of(block: bytes, *, mebibytes: int) -> AsyncIterator[bytes]:
    """Text that is like no other's, and never whole in memory here either."""
    yield HEAD
    for _ in range(mebibytes * MIB // CHUNK):
        yield block
    yield TAIL


async def upload(client: AsyncClient, person: Person, *, mebibytes: int) -> None:
    block = secrets.token_hex(CHUNK // 2).encode()
    headers = {**person.headers, "Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    body = body_of(block, mebibytes=mebibytes)
    answer = await client.post("/api/v1/summaries/upload", content=body, headers=headers)
    assert answer.status_code == 202, answer.text


async def peak_above(pid: int, *uploads: asyncio.Task[None]) -> float:
    """In MiB."""
    before = status_mib(pid, "VmRSS")
    reset_peak(pid)
    await asyncio.gather(*uploads)
    return status_mib(pid, "VmHWM") - before


async def measure(running: Fleet, *, mebibytes: int, at_once: int) -> None:
    app = create_app(running.settings)
    async with LifespanManager(app), AsyncClient(base_url=running.url, timeout=120) as client:
        alice = await Factory(app).person("alice")
        # The master forked it.
        pid = max(api_workers())

        def start() -> asyncio.Task[None]:
            return asyncio.create_task(upload(client, alice, mebibytes=mebibytes))

        await start()
        for number in (1, 1, at_once, at_once, at_once):
            peak = await peak_above(pid, *(start() for _ in range(number)))
            line = f"{number:>2} at once: peak {peak:6.1f} MiB above, {peak / mebibytes:4.1f} x one file"
            print(f"{line}, then {status_mib(pid, 'VmRSS'):6.1f} MiB resident")  # noqa: T201  # a script's output


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mebibytes", type=int, default=20)
    parser.add_argument("--at-once", type=int, default=8)
    wanted = parser.parse_args()
    with fleet(workers=1) as running:
        asyncio.run(measure(running, mebibytes=wanted.mebibytes, at_once=wanted.at_once))


if __name__ == "__main__":
    main()
