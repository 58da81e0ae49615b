"""One chain's rows, without a database: what each kind of damage is called, and where."""

from dataclasses import replace
from uuid import UUID

import pytest

from app.audit.chain import NOTHING_BEFORE, AuditKey, Checkpoint, Entry, Fields, Head, Seal
from app.audit.findings import ChainCheck

pytestmark = pytest.mark.unit

KEY = AuditKey(b"k" * 32)
CHAIN = UUID(int=7)
Row = tuple[Seal, Fields | None]


def rows(count: int) -> list[Row]:
    found: list[Row] = []
    digest = NOTHING_BEFORE
    for seq in range(1, count + 1):
        entry = Entry(CHAIN, UUID(int=seq), [str(seq), None, "logout"])
        seal = KEY.seal(entry, seq=seq, after=digest)
        found.append((seal, entry.fields))
        digest = seal.hash
    return found


def head_of(seal: Seal, *, checkpointed: int = 0) -> Head:
    return KEY.head(CHAIN, seq=seal.seq, digest=seal.hash, checkpointed=checkpointed)


def point_of(seal: Seal, *, previous: int = 0) -> Checkpoint:
    return KEY.checkpoint(CHAIN, seq=seal.seq, digest=seal.hash, previous=previous)


def findings(seen: list[Row], head: Head | None, *checkpoints: Checkpoint) -> list[tuple[int | None, str]]:
    check = ChainCheck(CHAIN, KEY, checkpoints=checkpoints)
    found = [finding for seal, fields in seen for finding in check.look_at(seal, fields)]
    return [(finding.seq, finding.what) for finding in [*found, *check.end(head)]]


def test_a_chain_in_order_has_no_finding() -> None:
    seen = rows(3)
    points = point_of(seen[0][0]), point_of(seen[2][0], previous=1)
    assert findings(seen, head_of(seen[-1][0], checkpointed=3), *points) == []


def test_a_gap_is_named_by_its_first_row() -> None:
    seen = rows(5)
    head = head_of(seen[-1][0])
    assert findings([seen[0], *seen[2:]], head) == [(2, "this row was removed")]
    assert findings([seen[0], *seen[3:]], head) == [(2, "the rows up to 3 were removed")]


def test_rows_taken_from_the_end_are_missed_by_the_head_and_by_a_checkpoint() -> None:
    seen = rows(3)
    head, point = head_of(seen[-1][0], checkpointed=3), point_of(seen[-1][0])
    assert findings(seen[:2], head, point) == [
        (3, "this row was removed from the end"),
        (3, "a checkpoint saw this row, which was removed"),
    ]


def test_a_row_before_the_first_was_inserted() -> None:
    seen = rows(1)
    early = replace(seen[0][0], seq=0)
    assert findings([(early, None), *seen], head_of(seen[0][0])) == [
        (0, "was inserted: no chain begins before 1")
    ]


def test_rows_behind_the_head_were_inserted() -> None:
    seen = rows(2)
    assert findings(seen, head_of(seen[0][0])) == [(2, "this row was inserted at the end")]


def test_a_head_that_names_another_row_is_found() -> None:
    seen = rows(2)
    other = KEY.head(CHAIN, seq=2, digest=bytes(32), checkpointed=0)
    assert findings(seen, other) == [(2, "the last row is not the one that the head names")]


def test_a_checkpoint_taken_from_the_middle_is_missed_by_the_next() -> None:
    seen = rows(3)
    point = point_of(seen[2][0], previous=1)
    assert findings(seen, head_of(seen[2][0], checkpointed=3), point) == [
        (3, "a checkpoint before this one was removed")
    ]
