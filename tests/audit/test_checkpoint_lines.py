"""Which lines of the worker's log are checkpoints, and which only speak of one."""

import json
from pathlib import Path
from uuid import UUID

import pytest

from app.audit.verification import read_checkpoints

pytestmark = pytest.mark.unit

CHAIN = UUID(int=7)
POINT = {
    "event": "audit_checkpoint",
    "chain": str(CHAIN),
    "seq": 3,
    "previous": 0,
    "hash": "00",
    "mac": "01",
}
OTHERS = [
    '{"event":"audit_sealing_failed","exception":"… [SQL: SELECT add_audit_checkpoints(…"}',
    '{"event":"audit_checkpoint","chain":"00000000-0000',
    '["audit_checkpoint"]',
    "audit_checkpoint seq=3",
]


@pytest.mark.parametrize("line", OTHERS)
def test_what_only_speaks_of_a_checkpoint_is_passed_over(tmp_path: Path, line: str) -> None:
    log = tmp_path / "worker.log"
    log.write_text(f"{line}\n{json.dumps(POINT)}\n", encoding="utf-8")
    (point,) = read_checkpoints(log)[CHAIN]
    assert (point.seq, point.mac) == (3, b"\x01")
