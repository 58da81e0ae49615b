"""How the goals that this project set itself are held against figures.

The figures are those of public evaluation sets that are not part of it: `python -m tests.quality.measure`,
which `./test` runs alone on its machine, fails below a goal.
"""

import pytest

from tests.quality import goals, pages
from tests.quality.scores import Scores

pytestmark = pytest.mark.unit

GOOD = pages.PageScores(0.9, 0.95, 0.96, 0.9, 0.8, 0.9, 30.0, 100.0)


def test_every_figure_below_its_goal_is_named() -> None:
    tables = {"ours": {"macro": Scores(36, 13, 30)}, "lead": {"macro": Scores(30, 13.2, 31)}}
    assert [line.split(":")[0] for line in goals.missed_rouge(tables)] == ["rouge2", "rouge2", "rouge_lsum"]


def test_every_share_below_its_goal_is_named() -> None:
    assert list(goals.missed_pages(GOOD)) == []
    bad = pages.PageScores(0.5, 0.95, 0.5, 0.9, 0.8, 0.1, 30.0, 300.0)
    names = [line.split(":")[0] for line in goals.missed_pages(bad)]
    assert names == ["wcxb_all", "scrapinghub", "date"]


@pytest.mark.parametrize(
    ("milliseconds", "slowness", "is_missed"),
    [(20, 1, False), (21, 1, True), (39, 2, False), (41, 2, True), (11, 0.5, True), (9, 0.5, False)],
)
def test_a_cost_is_a_ratio_on_slow_machines_and_on_fast_ones(
    milliseconds: float, slowness: float, *, is_missed: bool
) -> None:
    assert bool([*goals.missed_cost("ranking", milliseconds, 20, slowness=slowness)]) is is_missed


def test_no_machine_is_so_slow_that_a_child_may_be_ended() -> None:
    assert [*goals.missed_cost("hostile", 9_900, 6000, slowness=3)] == []
    assert [*goals.missed_cost("hostile", 10_100, 6000, slowness=3)] != []
