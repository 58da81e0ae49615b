"""The servers' account, and what it can reach."""

import os
from pathlib import Path

import pytest

from app.local.account import (
    Account,
    LocalServerError,
    own_directory,
    private_file,
    reachable_by_others,
    server_account,
)

pytestmark = pytest.mark.unit


def test_servers_never_run_as_root() -> None:
    account = server_account()
    assert (account.uid if account else os.geteuid()) != 0


def test_private_directory_is_not_reachable(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    assert not reachable_by_others(private / "not" / "yet" / "there")


def test_root_directory_is_reachable() -> None:
    assert reachable_by_others(Path("/"))


def test_servers_directory_is_closed_to_everybody_else(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "postgres"
    own_directory(folder, server_account())
    account = server_account()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert folder.stat().st_uid == (account.uid if account else os.geteuid())


def test_directory_of_another_account_is_refused_in_one_line(tmp_path: Path) -> None:
    other = Account(os.geteuid() + 1, os.getegid())
    with pytest.raises(LocalServerError, match="belongs to uid") as refusal:
        own_directory(tmp_path, other)
    assert "\n" not in str(refusal.value)


def test_private_file_is_written_anew_for_one_reader(tmp_path: Path) -> None:
    private_file(tmp_path / "conf", "old", None)
    path = private_file(tmp_path / "conf", "new", server_account())
    assert (path.read_text(encoding="utf-8"), path.stat().st_mode & 0o777) == ("new", 0o600)
