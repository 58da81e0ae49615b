"""Precis beside the floor: `python -m tests.load.bench [--rounds 5] [--seconds 4] [--connections 32]`.

Each round asks every target for some seconds, one after the other, so that the machine's moods meet all of
them; a share is of the same round's floor. Needs wrk. `--only` takes parts of targets' names; `--check` ends
with 1 where a share is below what is demanded at least, also when measured again; `--write` puts it into
docs/performance.md.
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import UTC, datetime

from tests.load.bench import document, machine, wrk
from tests.load.bench.demands import NEED_ROWS, chosen
from tests.load.bench.report import HEAD, Row, others_share, rows_of, with_more
from tests.load.bench.stage import staged
from tests.load.bench.target import Hashing, Target
from tests.load.bench.targets import READS_A_SECOND, targets_of
from tests.load.bench.wrk import Burst

# Above it the processor's caches are theirs too, and no share says anything.
MOST_OTHERS_TO_JUDGE = 0.4
# Of a table that is all but empty any index is as good as any other, and PostgreSQL takes any.
LEAST_ROWS = 5000


def parsed(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--only", nargs="*", default=[], help="parts of names; their floors come along")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--though-busy", action="store_true", help="write although others use the machine")
    return parser.parse_args(arguments)


def measured(targets: Sequence[Target | Hashing], options: argparse.Namespace) -> dict[str, list[Burst]]:
    bursts: dict[str, list[Burst]] = defaultdict(list)
    for _ in range(options.rounds):
        for target in targets:
            found = target.measure(seconds=options.seconds, connections=options.connections)
            bursts[target.name].append(found)
            say(
                f"{target.name:32}{found.rate:10,.0f}/s{found.processor_us:8.0f} us"
                f"{found.others:8.0%} of the machine others'"
            )
    return bursts


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> int:
    options = parsed()
    if not wrk.installed():
        say("NOT RUN: wrk is not installed (Debian's and Homebrew's package of that name)")
        return int(options.write)
    names = chosen(options.only)
    with staged(rows=rows_for(names, options)) as stage:
        targets = [target for target in targets_of(stage) if target.name in names]
        bursts = measured(targets, options)
        rows, others = rows_of(bursts), others_share(bursts)
        short = too_little(rows, others) if options.check else []
        if short:
            say(f"measured again: {', '.join(short)}")
            # The same targets: others would ask for what is no longer cold, and spend what is spent.
            again = [target for target in targets if target.name in chosen(short)]
            rows = with_more(bursts, measured(again, options))
            short = too_little(rows, others)
        on = machine.described(stage.servers)
    say("\n".join([HEAD, *(row.line for row in rows)]))
    say("\n".join(f"not reached: {row.name}: {row.missed}" for row in rows if row.missed))
    load = f"{options.rounds} rounds of {options.seconds} s each, {options.connections} connections"
    found = document.Measurement(rows, on, load, others, datetime.now(UTC).date())
    if options.write and found.busy and not options.though_busy:
        say(f"not written: others took {others:.0%} of the machine")
        return 1
    if options.write:
        document.write(found)
    return int(bool(short))


def rows_for(names: Collection[str], options: argparse.Namespace) -> int:
    # What is judged may be measured again.
    rounds = 2 * options.rounds if options.check else options.rounds
    wanted = READS_A_SECOND * options.seconds * rounds
    return wanted if NEED_ROWS & set(names) else LEAST_ROWS


def too_little(rows: Sequence[Row], others: float) -> list[str]:
    """Whose share is below what is demanded at least. Nobody's is on a busy machine."""
    if others > MOST_OTHERS_TO_JUDGE:
        say(f"NOT JUDGED: others took {others:.0%} of the machine")
        return []
    short = [row.name for row in rows if not row.is_enough]
    say(f"below what is demanded at least: {', '.join(short) or 'none'}")
    return short


if __name__ == "__main__":
    raise SystemExit(main())
