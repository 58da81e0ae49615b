"""Counters are kept in memory, in a folder that nobody else could have laid there."""

from pathlib import Path

import pytest

from app.core.metrics_folder import metrics_folder, metrics_home

pytestmark = pytest.mark.unit


@pytest.fixture
def memory(tmp_path: Path) -> Path:
    (tmp_path / "shm").mkdir()
    return tmp_path / "shm"


def test_a_machine_without_memory_to_share_keeps_them_on_its_disk(tmp_path: Path) -> None:
    found = metrics_folder(tmp_path / "data", 8000, memory=tmp_path / "none")
    assert found == tmp_path / "data" / "metrics" / "8000"


def test_a_link_that_somebody_laid_under_our_name_is_not_followed(memory: Path, tmp_path: Path) -> None:
    ours = metrics_home(tmp_path, memory=memory).parent
    ours.rmdir()
    (tmp_path / "elsewhere").mkdir()
    ours.symlink_to(tmp_path / "elsewhere")
    assert metrics_folder(tmp_path, 8000, memory=memory) == tmp_path / "metrics" / "8000"


def test_a_folder_that_others_may_write_is_not_used(memory: Path, tmp_path: Path) -> None:
    metrics_home(tmp_path, memory=memory).parent.chmod(0o777)
    assert metrics_folder(tmp_path, 8000, memory=memory) == tmp_path / "metrics" / "8000"


def test_each_service_has_its_own_and_finds_it_again(memory: Path, tmp_path: Path) -> None:
    first = metrics_folder(tmp_path, 8000, memory=memory)
    assert memory in first.parents
    assert first == metrics_folder(tmp_path, 8000, memory=memory)
    others = {
        metrics_folder(tmp_path, 8001, memory=memory),
        metrics_folder(tmp_path / "b", 8000, memory=memory),
    }
    assert first not in others
    assert first.parent == metrics_home(tmp_path, memory=memory)
