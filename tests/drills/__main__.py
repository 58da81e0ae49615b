"""`python -m tests.drills NAME...|all [--lengthened 2]`: a table of what each fault comes to."""

import argparse
import sys
import traceback

from tests.drills.catalogue import FAULTS
from tests.drills.drill import HEADER, run
from tests.drills.stand import Stand, standing


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.drills", description=__doc__)
    parser.add_argument("names", nargs="+", choices=[*FAULTS, "all"])
    parser.add_argument(
        "--lengthened", type=float, default=1.0, help="Each fault lasts so many times longer."
    )
    arguments = parser.parse_args()
    names = list(FAULTS) if "all" in arguments.names else arguments.names
    failed = []
    with standing() as stand:
        say(HEADER)
        for name in names:
            if reason := FAULTS[name].needs(stand):
                say(f"not drilled: {name}: {reason}")
            elif not _drilled(stand, name, lengthened=arguments.lengthened):
                failed.append(name)
    if failed:
        say(f"failed: {', '.join(failed)}")
    return int(bool(failed))


def _drilled(stand: Stand, name: str, *, lengthened: float) -> bool:
    """One that fails does not keep the others from being drilled."""
    try:
        outcome = run(stand, FAULTS[name], lengthened=lengthened)
    except Exception as error:  # noqa: BLE001  # whatever it was is said, and fails the run
        say(f"{name}: {error!r}\n{traceback.format_exc()}")
        return False
    say(outcome.row())
    return not outcome.faults


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201  # a script's result


if __name__ == "__main__":
    sys.exit(main())
