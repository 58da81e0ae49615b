"""The goals that this project set itself, on public evaluation sets that are not part of it."""

from pathlib import Path

import pytest

from tests.quality import pages, rouge
from tests.quality.evaluation_data import data_folder

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder() -> Path:
    found = data_folder()
    if found is None:
        pytest.skip("no evaluation data here: PRECIS_EVALUATION_DATA names its folder")
    return found


def test_our_summaries_reach_the_goal_and_beat_the_lead(folder: Path) -> None:
    ours = rouge.measure(folder, rouge.ours)["macro"]
    lead = rouge.measure(folder, rouge.lead)["macro"]
    assert (ours.rouge1 >= 35.5, ours.rouge2 >= 13.3, ours.rouge_lsum >= 29.5) == (True, True, True), ours
    assert ours.rouge1 > lead.rouge1
    assert ours.rouge2 > lead.rouge2
    assert ours.rouge_lsum > lead.rouge_lsum


def test_extraction_reaches_its_goals(folder: Path) -> None:
    """Their cost is told by `python -m tests.quality.measure`, alone on its machine."""
    scores = pages.measure(folder)
    assert scores.wcxb_all >= 0.88
    assert scores.wcxb_articles >= 0.93
    assert scores.scrapinghub >= 0.955
    assert scores.title >= 0.80
    assert scores.author >= 0.74
    assert scores.date >= 0.85
