"""Where data lie: reachable for the servers' account, one run at a time, gone after a demo."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.core.metrics_folder import metrics_folder
from app.local.account import Account, LocalServerError
from app.local.data_directory import (
    SHARED_STATE,
    choose_data_directory,
    kept_secret,
    occupied,
    throw_away_directory,
)

pytestmark = pytest.mark.unit

ANOTHER = Account(uid=65534, gid=65534)


@pytest.fixture
def hidden(tmp_path: Path) -> Path:
    """A checkout that lies below somebody's private directory."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    return home / "checkout" / ".precis"


def test_directory_below_a_private_one_is_replaced_for_the_servers_account(hidden: Path) -> None:
    chosen = choose_data_directory(hidden, ANOTHER)
    assert chosen.parent == SHARED_STATE


def test_two_hidden_checkouts_have_two_directories(hidden: Path) -> None:
    other = hidden.parent / "other"
    assert choose_data_directory(hidden, ANOTHER) != choose_data_directory(other, ANOTHER)


def test_same_hidden_checkout_finds_its_data_again(hidden: Path) -> None:
    assert choose_data_directory(hidden, ANOTHER) == choose_data_directory(hidden, ANOTHER)


def test_without_another_account_the_wanted_directory_is_taken(hidden: Path) -> None:
    assert choose_data_directory(hidden, None) == hidden


def test_second_run_in_the_same_directory_is_refused_in_one_line(tmp_path: Path) -> None:
    with occupied(tmp_path), pytest.raises(LocalServerError, match=r"another \./run is using") as refusal:
        occupied(tmp_path).__enter__()
    assert "\n" not in str(refusal.value)


def test_directory_is_free_again_after_the_run(tmp_path: Path) -> None:
    with occupied(tmp_path):
        pass
    with occupied(tmp_path) as folder:
        assert folder == tmp_path


def test_directory_that_cannot_be_made_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(LocalServerError, match="cannot be written") as refusal:
        occupied(tmp_path / "file").__enter__()
    assert "\n" not in str(refusal.value)


def test_directory_is_walkable_for_the_servers_account_whatever_our_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        with occupied(tmp_path / "state" / "precis") as folder:
            modes = [path.stat().st_mode & 0o777 for path in (folder, folder.parent)]
    finally:
        os.umask(before)
    assert modes == [0o755, 0o755]


def test_throw_away_directory_is_gone_afterwards() -> None:
    with throw_away_directory(None) as folder:
        (folder / "data").mkdir()
        counters = metrics_folder(folder, 8000)
        counters.mkdir(parents=True)
    assert not folder.exists()
    assert not counters.parent.exists()


def test_throw_away_directory_of_a_killed_run_is_deleted_by_the_next() -> None:
    script = (
        "import os, signal\n"
        "from app.local.data_directory import throw_away_directory\n"
        "with throw_away_directory(None) as folder:\n"
        "    print(folder, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run(  # noqa: S603  # the lines above
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    abandoned = Path(killed.stdout.strip())
    assert abandoned.exists()
    with throw_away_directory(None):
        assert not abandoned.exists()


def test_throw_away_directory_in_use_is_left_alone() -> None:
    with throw_away_directory(None) as first, throw_away_directory(None) as second:
        assert first.exists()
        assert first != second


def test_secret_is_made_once_and_for_us_alone(tmp_path: Path) -> None:
    secret = kept_secret(tmp_path / "secret.key")
    assert kept_secret(tmp_path / "secret.key") == secret
    assert len(secret) >= 43
    assert (tmp_path / "secret.key").stat().st_mode & 0o777 == 0o600


def test_unreadable_secret_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "secret.key").mkdir()
    with pytest.raises(LocalServerError, match="cannot be read"):
        kept_secret(tmp_path / "secret.key")
