"""Other checkouts beside this one, by turns and on the same servers.

`python -m tests.load.turns "POST /summaries" DIRECTORY ... [--rounds 12] [--seconds 3] [--connections 32]`

What changes a figure by a twentieth drowns in `make bench`, whose floor moves more than that from run to
run. Here each round asks every checkout for some seconds, and what is told is how often one did what this
one did in the same round, with the standard error of that. A checkout has to know this one's schema.
"""

import argparse
import statistics
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from app.core.schema_version import ROOT
from tests.load.bench import wrk
from tests.load.bench.__main__ import LEAST_ROWS
from tests.load.bench.demands import DEMANDS, NEED_ROWS
from tests.load.bench.stage import Stage, staged
from tests.load.bench.target import Target
from tests.load.bench.targets import READS_A_SECOND, targets_of
from tests.load.bench.wrk import Burst


def parsed(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("work", choices=list(DEMANDS))
    parser.add_argument("checkouts", nargs="+", type=Path, metavar="DIRECTORY")
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=32)
    options = parser.parse_args(arguments)
    if options.rounds < 2:
        parser.error("an error is told of two rounds or more")
    return options


def measured(stage: Stage, options: argparse.Namespace) -> list[list[Burst]]:
    """Of each checkout its rounds; this one's are the first."""
    (target,) = (each for each in targets_of(stage) if each.name == options.work)
    assert isinstance(target, Target)
    targets = [replace(target, server=server) for server in (stage.api, *stage.others)]
    bursts: list[list[Burst]] = [[] for _ in targets]
    for number in range(options.rounds + 1):
        order = list(zip(targets, bursts, strict=True))
        for each, own in order if number % 2 else reversed(order):
            own.append(each.measure(seconds=options.seconds, connections=options.connections))
    # The first round warms them up.
    return [own[1:] for own in bursts]


def line_of(name: Path, own: Sequence[Burst], ours: Sequence[Burst]) -> str:
    ratios = [burst.rate / beside.rate for burst, beside in zip(own, ours, strict=True)]
    error = statistics.stdev(ratios) / len(ratios) ** 0.5
    rate, processor = (
        statistics.median(each) for each in zip(*((b.rate, b.processor_us) for b in own), strict=True)
    )
    return f"{name!s:40}{rate:8,.0f}/s{processor:8.0f} us   {statistics.mean(ratios):.3f} ± {error:.3f}"


def main() -> int:
    options = parsed()
    if not wrk.installed():
        sys.stdout.write("NOT RUN: wrk is not installed (Debian's and Homebrew's package of that name)\n")
        return 1
    checkouts = [path.resolve() for path in options.checkouts]
    wanted = READS_A_SECOND * options.seconds * (options.rounds + 1) * (len(checkouts) + 1)
    rows = wanted if options.work in NEED_ROWS else LEAST_ROWS
    with staged(rows=rows, others=checkouts) as stage:
        bursts = measured(stage, options)
    lines = (line_of(path, own, bursts[0]) for path, own in zip((ROOT, *checkouts), bursts, strict=True))
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
