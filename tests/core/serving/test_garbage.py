import gc
from collections.abc import Iterator

import pytest

from app.core.serving.garbage import THRESHOLDS, collect_seldom, settle

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def _collector() -> Iterator[None]:
    """As it was: it is one for the process."""
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


def test_while_it_loads_it_is_seldom_looked_through() -> None:
    collect_seldom()
    assert gc.get_threshold() == THRESHOLDS


def test_what_is_there_is_never_looked_at_again() -> None:
    settle()
    assert gc.get_freeze_count() > 0
    assert gc.get_threshold() == THRESHOLDS


def test_cycles_made_later_are_still_collected() -> None:
    settle()
    made: list[object] = []
    made.append(made)
    del made
    assert gc.isenabled()
    assert gc.collect() >= 1
