"""Print how good the reading is: `python -m tests.quality.measure [--data FOLDER]`. Exit 1 below a goal."""

import argparse
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import astuple, fields
from pathlib import Path

from tests.quality import goals, hostile, libraries, pages, rouge
from tests.quality.evaluation_data import SUMMARY_SETS, data_folder, references
from tests.quality.scores import Scores

SUMMARISERS = {"ours": rouge.ours, "lead": rouge.lead, **libraries.LIBRARIES}
TEN_KILOBYTES = 10_000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="folder of the evaluation sets")
    folder = data_folder(parser.parse_args().data)
    missed = list(_hostile())
    if folder is None:
        print("skipped: no evaluation data here", file=sys.stderr)  # noqa: T201  # a script's output
    else:
        missed += [*_rouge(folder), *_ranking(folder), *_pages(folder)]
    for line in missed:
        print(f"MISSED {line}")  # noqa: T201  # a script's output
    return int(bool(missed))


def _hostile() -> Iterator[str]:
    for name, seconds in hostile.measure().items():
        print(f"{name:<32}{seconds:>6.2f} s")  # noqa: T201  # a script's output
        if seconds > hostile.MAX_CPU_SECONDS:
            yield f"hostile page {name}: {seconds:.2f} s"


def _rouge(folder: Path) -> Iterator[str]:
    tables = {name: rouge.measure(folder, summariser) for name, summariser in SUMMARISERS.items()}
    print("", *_rouge_lines(tables), sep="\n")  # noqa: T201  # a script's output
    yield from goals.missed_rouge(tables)


def _rouge_lines(tables: Mapping[str, Mapping[str, Scores]]) -> Iterator[str]:
    """ROUGE-1/2/Lsum of every summariser side by side, at the same word budgets."""
    yield f"{'ROUGE-1/2/Lsum':<14}" + "".join(f"{name:>20}" for name in [*tables, "goal"])
    for row in tables["ours"]:
        cells = [table[row] for table in tables.values()] + [goals.ROUGE] * (row == goals.MACRO)
        yield f"{row:<14}" + "".join(f"{_cell(scores):>20}" for scores in cells)


def _cell(scores: Scores) -> str:
    return " / ".join(f"{value:.1f}" for value in astuple(scores))


def _ranking(folder: Path) -> Iterator[str]:
    documents = [document for name in SUMMARY_SETS for document in references(folder, name)]
    began = time.process_time()
    for document in documents:
        rouge.ours(document, 100)
    spent = (time.process_time() - began) * 1000
    cost = spent / sum(len(document.text.encode()) for document in documents) * TEN_KILOBYTES
    print(f"\nranking {cost:.1f} ms of processor time per 10 kB")  # noqa: T201  # a script's output
    if cost > goals.MAX_RANKING_MILLISECONDS:
        yield f"ranking: {cost:.1f} ms per 10 kB"


def _pages(folder: Path) -> Iterator[str]:
    scores = pages.measure(folder)
    print()  # noqa: T201  # a script's output
    for field in fields(scores):
        goal = goals.PAGES.get(field.name)
        aim = "" if goal is None else f"  goal {goal}"
        print(f"{field.name:<16}{getattr(scores, field.name):>10.3f}{aim}")  # noqa: T201  # a script's output
    yield from goals.missed_pages(scores)


if __name__ == "__main__":
    sys.exit(main())
