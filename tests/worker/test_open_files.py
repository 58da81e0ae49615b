"""So many files may be open as fetches may wait."""

import resource
from collections.abc import Iterator

import pytest

from app.worker.process import allow_open_files

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def former() -> Iterator[tuple[int, int]]:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield limits
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def test_enough_are_left_alone(former: tuple[int, int]) -> None:
    allow_open_files(16)
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == former


def test_more_are_allowed_as_far_as_the_system_lets_us(former: tuple[int, int]) -> None:
    _, hard = former
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
    allow_open_files(600)
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (600, hard)
