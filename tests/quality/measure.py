"""Print how good the reading is: `python -m tests.quality.measure [--data FOLDER]`. Exit 1 below a goal."""

import argparse
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import astuple, fields
from pathlib import Path

from tests.quality import goals, hostile, libraries, pages, rouge
from tests.quality.evaluation_data import SUMMARY_SETS, Reference, data_folder, references
from tests.quality.pace import Assumed, Measured, Pace
from tests.quality.scores import Scores

SUMMARISERS = {"ours": rouge.ours, "lead": rouge.lead, **libraries.LIBRARIES}
TEN_KILOBYTES = 10_000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", help="folder of the evaluation sets")
    folder = data_folder(parser.parse_args().data)
    if folder is None:
        print("skipped: no evaluation data here", file=sys.stderr)  # noqa: T201  # a script's output
        missed = list(_hostile(Assumed()))
    else:
        pace = Measured(folder)
        missed = [*_rouge(folder), *_hostile(pace), *_ranking(folder, pace), *_pages(folder, pace)]
    for line in missed:
        print(f"MISSED {line}")  # noqa: T201  # a script's output
    return int(bool(missed))


def _hostile(pace: Pace) -> Iterator[str]:
    pages = hostile.pages()
    costs, slowness = pace.beside(list(pages.values()), hostile.cost)
    for name, cost in zip(pages, costs, strict=True):
        yield from _judged(f"hostile page {name}", cost, goals.MAX_HOSTILE_MILLISECONDS, slowness=slowness)


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


def _ranking(folder: Path, pace: Pace) -> Iterator[str]:
    documents = [document for name in SUMMARY_SETS for document in references(folder, name)]
    costs, slowness = pace.beside(documents, _ranked)
    cost = sum(costs) / sum(len(document.text.encode()) for document in documents) * TEN_KILOBYTES
    yield from _judged("ranking of 10 kB", cost, goals.MAX_RANKING_MILLISECONDS, slowness=slowness)


def _ranked(document: Reference) -> float:
    """In milliseconds of processor time."""
    began = time.process_time()
    rouge.ours(document, 100)
    return (time.process_time() - began) * 1000


def _pages(folder: Path, pace: Pace) -> Iterator[str]:
    scores, slowness = pages.measure(folder, pace)
    print()  # noqa: T201  # a script's output
    for field in fields(scores):
        goal = goals.PAGES.get(field.name)
        aim = "" if goal is None else f"  goal {goal}"
        print(f"{field.name:<16}{getattr(scores, field.name):>10.3f}{aim}")  # noqa: T201  # a script's output
    yield from goals.missed_pages(scores)
    cost, bound = scores.cpu_p95, goals.MAX_CPU_P95_MILLISECONDS
    yield from _judged("95th of a page", cost, bound, slowness=slowness)


def _judged(name: str, cost: float, bound: float, *, slowness: float) -> Iterator[str]:
    """Prints what it takes; yields a line where that is too much."""
    share = cost / (bound * slowness)
    print(f"{name:<44}{cost:>8.1f} ms, {share:.2f} of {bound} x {slowness:.2f}")  # noqa: T201  # a script's output
    yield from goals.missed_cost(name, cost, bound, slowness=slowness)


if __name__ == "__main__":
    sys.exit(main())
