"""Precis beside the floor: `python -m tests.load.bench [--rounds 5] [--seconds 4] [--connections 32]`.

Each round asks every target for some seconds, one after the other, so that the machine's moods meet all of
them; a share is of the same round's floor. Needs wrk. `--only` takes parts of targets' names; `--check` ends
with 1 where a share is below what is demanded.
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence

from tests.load.bench.report import HEAD, Row, rows_of
from tests.load.bench.stage import staged
from tests.load.bench.targets import READS_A_SECOND, Target, ask, targets_of
from tests.load.bench.wrk import Burst, burst


class UselessBurstError(Exception):
    """Refused, failed, or asked twice: its rate says nothing."""


def parsed(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--only", nargs="*", default=[], help="parts of names; their floors come along")
    parser.add_argument("--check", action="store_true")
    return parser.parse_args(arguments)


def chosen(targets: Sequence[Target], only: Sequence[str]) -> list[Target]:
    wanted = [each for each in targets if not only or any(part in each.name for part in only)]
    bases = {each.base for each in wanted}
    bases |= {each.base for each in targets if each.name in bases}
    return [each for each in targets if each in wanted or each.name in bases]


def check_one(target: Target) -> None:
    """One answer looked at before thousands are counted. Raises UselessBurstError."""
    answer = ask(target.server, target.requests(1)[0])
    if answer.status_code != target.status:
        raise UselessBurstError(f"{target.name}: {answer.status_code} {answer.text}")


def measured(target: Target, *, seconds: int, connections: int) -> Burst:
    requests = target.requests(seconds)
    found = burst(
        target.server.url, requests, pid=target.server.pid, seconds=seconds, connections=connections
    )
    if found.failed or (target.once and found.requests > len(requests)):
        raise UselessBurstError(f"{target.name}: {found}, of {len(requests)} prepared")
    return found


def run(options: argparse.Namespace) -> list[Row]:
    bursts: Mapping[str, list[Burst]] = defaultdict(list)
    with staged(rows=READS_A_SECOND * (options.seconds * options.rounds + 1)) as stage:
        targets = chosen(targets_of(stage), options.only)
        for target in targets:
            check_one(target)
        for _ in range(options.rounds):
            for target in targets:
                found = measured(target, seconds=options.seconds, connections=options.connections)
                bursts[target.name].append(found)
                say(f"{target.name:32}{found.rate:10,.0f}/s{found.processor_us:8.0f} us")
    return rows_of(targets, bursts)


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    options = parsed()
    rows = run(options)
    say("\n".join([HEAD, *(row.line for row in rows)]))
    missing = [row.target.name for row in rows if not row.suffices]
    say(f"below what is demanded: {', '.join(missing) or 'none'}")
    if options.check and missing:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
