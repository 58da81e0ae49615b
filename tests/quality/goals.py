"""The figures that this project holds itself to on the public evaluation sets, and what misses them."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict

from app.reading.sandbox import SandboxLimits
from tests.quality.pages import PageScores
from tests.quality.scores import Scores

MACRO = "macro"
ROUGE = Scores(rouge1=35.5, rouge2=13.3, rouge_lsum=29.5)
PAGES = {
    "wcxb_all": 0.88,
    "wcxb_articles": 0.93,
    "scrapinghub": 0.955,
    "title": 0.80,
    "author": 0.74,
    "date": 0.85,
}
# Processor time where trafilatura alone takes 43 ms a page (pace.py): of a page's extraction and summary, of
# 10 kB of text ranked, and of a page that is made to be expensive.
MAX_CPU_P95_MILLISECONDS = 250
MAX_RANKING_MILLISECONDS = 20
MAX_HOSTILE_MILLISECONDS = 6000
# On whatever machine: then the sandbox ends the child.
ENDED_MILLISECONDS = 1000 * SandboxLimits().cpu_seconds


def missed_rouge(tables: Mapping[str, Mapping[str, Scores]]) -> Iterator[str]:
    """One line for each figure of ours, of the mean over the sets, below the goal or below anybody else's."""
    ours = asdict(tables["ours"][MACRO])
    bars = {"the goal": ROUGE} | {name: rows[MACRO] for name, rows in tables.items() if name != "ours"}
    for name, scores in bars.items():
        for metric, least in asdict(scores).items():
            if ours[metric] < least:
                yield f"{metric}: {ours[metric]:.1f} is below {name}'s {least:.1f}"


def missed_pages(scores: PageScores) -> Iterator[str]:
    found = asdict(scores)
    yield from (
        f"{name}: {found[name]:.3f} is below {least}" for name, least in PAGES.items() if found[name] < least
    )


def missed_cost(name: str, milliseconds: float, bound: float, *, slowness: float) -> Iterator[str]:
    """`slowness`: how many times as long as the design's this machine took for the same work."""
    if milliseconds > min(bound * slowness, ENDED_MILLISECONDS):
        yield f"{name}: {milliseconds:.0f} ms is over {bound} x {slowness:.2f}, or {ENDED_MILLISECONDS}"
