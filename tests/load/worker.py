"""The worker on real pages: `python -m tests.load.worker [pages|slow|fair]`, by default all three.

pages: end to end, against what reading alone would allow. slow: fast pages while a thousand origins take ten
seconds each. fair: forty jobs of one tenant beside five thousand of another. Shares of processor time hold on
a busy machine, absolute rates do not.
"""

import argparse
import asyncio
import os
import statistics
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from uuid import UUID

from app.core.schema_version import ROOT
from app.local.stack import Stack
from tests.factories import Factory
from tests.load.workshop import Ended, Processor, Workshop, stacked, workshop

DATA = ROOT.parent / "shared" / "data"
DIRECTORIES = (DATA / "extraction_scrapinghub", DATA / "extraction_wcxb_dev")
PAGES, FAST, SLOW, SLOW_TENANTS = 500, 40, 1000, 20
GREAT, SMALL = 5000, 40
SETTLING_SECONDS = 1.5
PATIENCE_SECONDS = 300.0
GOAL, MOST_DELAY_SECONDS = 0.7, 3.0
Step = Callable[[Workshop, Factory], Awaitable[Sequence[str]]]


async def pages(shop: Workshop, factory: Factory) -> list[str]:
    reader = await factory.person("reader")
    await factory.enlarge(reader)
    ids = await shop.submit(reader, [str(number) for number in range(PAGES)])
    before = shop.processor()
    moment = await shop.release(ids)
    ended = await shop.ended(ids, since=moment, patience=PATIENCE_SECONDS)
    used = shop.processor().since(before)
    return list(_throughput(ended, used))


def _throughput(ended: Ended, used: Processor) -> Iterator[str]:
    many, seconds, cores = len(ended.seconds), max(ended.seconds.values()), os.cpu_count() or 1
    possible, rate = cores * many / used.children, many / seconds
    whole = sum(used.values)
    yield f"{many} pages in {seconds:.1f} s, {rate:.1f} a second; {ended.failed} failed"
    names = ("worker", "children", "postgres", "valkey")
    each = ", ".join(
        f"{name} {1000 * value / many:.1f}" for name, value in zip(names, used.values, strict=True)
    )
    yield f"processor ms a page: {each}; the children's share {used.children / whole:.2f}"
    yield f"reading alone would allow {possible:.1f} a second: {rate / possible:.2f} of it (goal {GOAL})"
    yield f"we had {whole / seconds:.2f} of {cores} cores"


async def slow(shop: Workshop, factory: Factory) -> list[str]:
    """The slow ones are of many tenants: none has a backlog that would grade it."""
    quick = await factory.person("quick")
    await factory.enlarge(quick)
    alone = await _timed(shop, await shop.submit(quick, [str(number) for number in range(FAST)]))
    waiting = []
    for number in range(SLOW_TENANTS):
        patient = await factory.person(f"patient{number}")
        await factory.enlarge(patient)
        share = range(number, SLOW, SLOW_TENANTS)
        waiting += await shop.submit(patient, [f"slow/{page}" for page in share])
    beside = await shop.submit(quick, [str(number + FAST) for number in range(FAST)])
    moment = await shop.release(waiting)
    await asyncio.sleep(SETTLING_SECONDS)
    disturbed = await _timed(shop, beside)
    ended = await shop.ended(waiting, since=moment, patience=PATIENCE_SECONDS)
    return [
        f"{FAST} fast pages alone: {_spread(alone)}",
        f"{FAST} fast pages beside {SLOW} slow ones: {_spread(disturbed)}",
        f"the slow ones: {_spread(ended)}",
    ]


async def fair(shop: Workshop, factory: Factory) -> list[str]:
    small = await factory.person("small")
    great = await factory.person("great")
    for person in (small, great):
        await factory.enlarge(person)
    alone = await _timed(shop, await shop.submit(small, [str(number) for number in range(SMALL)]))
    backlog = await shop.submit(great, [str(number) for number in range(GREAT)])
    beside = await shop.submit(small, [str(number + SMALL) for number in range(SMALL)])
    await shop.release(backlog)
    await asyncio.sleep(SETTLING_SECONDS)
    disturbed = await _timed(shop, beside)
    delay = max(disturbed.seconds.values()) - max(alone.seconds.values())
    return [
        f"{SMALL} jobs alone: {_spread(alone)}",
        f"{SMALL} jobs beside {GREAT} of another tenant: {_spread(disturbed)}",
        f"delayed by {delay:.1f} s (goal {MOST_DELAY_SECONDS})",
    ]


async def _timed(shop: Workshop, ids: Sequence[UUID]) -> Ended:
    moment = await shop.release(ids)
    return await shop.ended(ids, since=moment, patience=PATIENCE_SECONDS)


def _spread(ended: Ended) -> str:
    ordered = sorted(ended.seconds.values())
    middle, last = statistics.median(ordered), ordered[-1]
    return f"median {middle:.2f} s, last {last:.2f} s, {ended.failed} failed"


STEPS: Mapping[str, Step] = {"pages": pages, "slow": slow, "fair": fair}


async def measure(name: str, stack: Stack, site: str) -> Sequence[str]:
    async with workshop(stack, site) as (shop, factory):
        await shop.await_worker()
        await asyncio.sleep(SETTLING_SECONDS)
        return await STEPS[name](shop, factory)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="*", choices=[*STEPS, []], help="default: all")
    parser.add_argument("--pages", nargs="+", type=Path, default=DIRECTORIES, help="directories of pages")
    arguments = parser.parse_args()
    for name in arguments.what or STEPS:
        # Each with a worker of its own: a backlog that is left over is nobody else's.
        with stacked(arguments.pages) as (stack, site):
            lines = asyncio.run(measure(name, stack, site))
        sys.stdout.write("\n".join([f"-- {name}", *lines, ""]))
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
