"""Print how good the reading is: `python -m tests.quality.measure [--data FOLDER]`."""

import argparse
import sys
from dataclasses import astuple, fields
from pathlib import Path

from tests.quality import hostile, pages, rouge
from tests.quality.evaluation_data import data_folder

SUMMARISERS = {"ours": rouge.ours, "lead": rouge.lead}

# Of extraction and summary, on a machine that does nothing else meanwhile. Beyond it: exit 1.
MAX_CPU_P95_MILLISECONDS = 250


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="folder of the evaluation sets")
    folder = data_folder(parser.parse_args().data)
    costs = hostile.measure()
    for name, seconds in costs.items():
        print(f"{name:<32}{seconds:>6.2f} s")  # noqa: T201  # a script's output
    too_slow = max(costs.values()) > hostile.MAX_CPU_SECONDS
    if folder is None:
        print("skipped: no evaluation data here", file=sys.stderr)  # noqa: T201  # a script's output
        return int(too_slow)
    scores = pages.measure(folder)
    for line in ["", *_rouge_lines(folder), "", *_page_lines(scores)]:
        print(line)  # noqa: T201  # a script's output
    return int(too_slow or scores.cpu_p95 > MAX_CPU_P95_MILLISECONDS)


def _rouge_lines(folder: Path) -> list[str]:
    """ROUGE-1/2/Lsum of every summariser side by side, at the same word budgets."""
    lines = [f"{'ROUGE-1/2/Lsum':<16}" + "".join(f"{name:>22}" for name in SUMMARISERS)]
    tables = {name: rouge.measure(folder, summariser) for name, summariser in SUMMARISERS.items()}
    for row in tables["ours"]:
        cells = (" / ".join(f"{value:.1f}" for value in astuple(table[row])) for table in tables.values())
        lines.append(f"{row:<16}" + "".join(f"{cell:>22}" for cell in cells))
    return lines


def _page_lines(scores: pages.PageScores) -> list[str]:
    return [f"{field.name:<16}{getattr(scores, field.name):>10.3f}" for field in fields(scores)]


if __name__ == "__main__":
    sys.exit(main())
