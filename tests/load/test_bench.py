import math
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest

from tests.load import turns
from tests.load.bench import demands, document, lag, wrk
from tests.load.bench.__main__ import too_little
from tests.load.bench.demands import DEMANDS, LOG_IN, WARM, WARM_KEY, chosen
from tests.load.bench.machine import Spent
from tests.load.bench.report import others_share, rows_of, with_more
from tests.load.bench.wrk import Burst, Request

pytestmark = pytest.mark.unit

REPORT = """Running 4s test @ http://127.0.0.1:9000
  1 threads and 32 connections
  Latency Distribution
     50%  900.00us
     75%    1.20ms
     99%    1.50s
  20000 requests in 4.00s, 3.00MB read
  Socket errors: connect 0, read 1, write 0, timeout 2
  Non-2xx or 3xx responses: 7
Requests/sec:   5000.25
"""
METRICS = """# TYPE precis_event_loop_lag_seconds histogram
precis_event_loop_lag_seconds_bucket{le="0.01"} 98.0
precis_event_loop_lag_seconds_bucket{le="0.025"} 99.0
precis_event_loop_lag_seconds_bucket{le="+Inf"} 100.0
"""


def one(*, rate: float = 100.0, processor_us: float = 200.0, others: float = 0.0, lags: float = 0.0) -> Burst:
    late = {0.01: 100 - lags, 0.025: 100.0, math.inf: 100.0}
    return Burst(rate, 1.0, 2.0, 0, 10, processor_us, others, late if lags else {})


def test_what_is_no_report_is_refused() -> None:
    with pytest.raises(ValueError, match="unable to connect"):
        wrk.read("unable to connect to 127.0.0.1:9000", spent=Spent(0.0, 0.0))


def test_report_counts_every_failure_and_knows_its_units() -> None:
    found = wrk.read(REPORT, spent=Spent(server=4.0, others=0.25))
    assert found == Burst(5000.25, 0.9, 1500.0, 10, 20000, 200.0, 0.25)


def test_request_is_one_line_of_four_fields() -> None:
    line = Request("/a", (("X-A", "1"), ("X-B", "2")), "POST", '{"a":1}').line
    assert line == 'POST\t/a\tX-A: 1\1X-B: 2\t{"a":1}'


def test_chosen_work_brings_what_its_share_is_of() -> None:
    assert chosen(["API key"]) == {WARM_KEY, WARM, demands.CACHED}
    assert chosen([]) == set(demands.NAMES)
    assert chosen(["hello"]) == {demands.HELLO}


def test_no_goal_is_below_what_is_demanded_at_least() -> None:
    assert all(each.at_least <= each.goal for each in DEMANDS.values())


def test_share_is_the_median_of_the_rounds_own_shares() -> None:
    floor = [one(rate=100), one(rate=1000), one(rate=10)]
    ours = [one(rate=50), one(rate=900), one(rate=1)]
    row = rows_of({demands.CACHED: floor, WARM: ours})[1]
    assert row.clock is not None
    assert (row.clock.least, row.clock.median, row.clock.most) == (0.1, 0.5, 0.9)


@pytest.mark.parametrize(
    ("rounds", "is_enough"),
    [
        # Floor and we are one in both; at least 0.6 is demanded.
        ([{"rate": 61}], True),
        ([{"rate": 59, "processor_us": 400}], False),
        # Others take the clock's share, and leave that of the processor.
        ([{"rate": 10, "processor_us": 300}], True),
        # So may a disk take the processor's. What is slower is so by both, in most rounds.
        ([{"rate": 61, "processor_us": 900}], True),
        ([{"rate": 10, "processor_us": 900}] * 2 + [{"rate": 61}], False),
    ],
)
def test_ci_is_content_with_what_is_demanded_at_least_and_the_goal_is_by_the_clock(
    rounds: Sequence[dict[str, float]], *, is_enough: bool
) -> None:
    floors = [one() for _ in rounds]
    [_, row] = rows_of({demands.CACHED: floors, WARM: [one(**each) for each in rounds]})
    assert row.is_enough == is_enough
    assert row.missed


def test_nobody_is_judged_where_others_use_the_machine() -> None:
    rows = rows_of({demands.CACHED: [one()], WARM: [one(rate=1, processor_us=2_000_000)]})
    assert too_little(rows, 0.0) == [WARM]
    assert too_little(rows, 0.9) == []


def test_what_is_measured_again_is_judged_by_all_its_rounds_and_the_rest_by_theirs() -> None:
    bursts = {demands.CACHED: [one()], WARM: [one(rate=10)], demands.WARM_304: [one(rate=80)]}
    rows = with_more(bursts, {demands.CACHED: [one()] * 2, WARM: [one(rate=70), one(rate=80)]})
    shares = {row.name: row.clock and row.clock.median for row in rows}
    assert shares == {demands.CACHED: None, WARM: 0.7, demands.WARM_304: 0.8}


def test_late_event_loop_misses_the_goal_whatever_the_rate() -> None:
    [_, row] = rows_of({demands.HASHES: [one()], LOG_IN: [one(lags=2.0)]})
    assert row.lag == 0.025
    assert "later than 10 ms" in row.missed
    [_, row] = rows_of({demands.HASHES: [one()], LOG_IN: [one(lags=0.5)]})
    assert (row.lag, row.missed) == (0.01, "")


def test_share_of_others_is_that_of_the_median_burst() -> None:
    assert others_share({"a": [one(others=0.9), one(others=0.1)], "b": [one(others=0.2)]}) == 0.2


def test_lag_is_read_between_two_looks() -> None:
    before, after = (
        lag.buckets(METRICS),
        lag.buckets(METRICS.replace("98.0", "298.0").replace("9.0", "299.0")),
    )
    assert before == {0.01: 98.0, 0.025: 99.0, math.inf: 100.0}
    assert lag.between(before, after)[0.01] == 200.0
    assert lag.bound_of(99, [before]) == 0.025
    assert lag.bound_of(99, []) is None


def test_document_keeps_what_was_written_by_hand(tmp_path: Path) -> None:
    file = tmp_path / "performance.md"
    file.write_text(f"# Speed\n{document.BEGIN}\nold\n{document.END}\nby hand\n")
    rows = rows_of({demands.CACHED: [one()], WARM: [one(rate=10)]})
    document.write(document.Measurement(rows, "one core", "two rounds", 0.01, date(2026, 11, 21)), file=file)
    text = file.read_text()
    assert text.startswith(f"# Speed\n{document.BEGIN}\n")
    assert text.endswith(f"{document.END}\nby hand\n")
    assert "old" not in text
    assert f"- {WARM}: 0.10, at least 0.6 is demanded" in text


def test_document_says_that_the_machine_was_busy() -> None:
    calm, busy = (document.Measurement([], "", "", others, date(2026, 11, 21)) for others in (0.05, 0.5))
    assert "go by the processor" in busy.text
    assert "go by the processor" not in calm.text


def test_document_without_its_marks_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "performance.md"
    file.write_text("# Speed\n")
    with pytest.raises(ValueError, match="lost its marks"):
        document.write(document.Measurement([], "", "", 0.0, date(2026, 11, 21)), file=file)
    assert file.read_text() == "# Speed\n"


def test_a_checkout_is_told_by_what_this_one_did_in_the_same_round() -> None:
    ours, theirs = [one(rate=100), one(rate=200)], [one(rate=90), one(rate=220)]
    told = turns.line_of(Path("theirs"), theirs, ours).split()
    assert told == ["theirs", "155/s", "200", "us", "1.000", "±", "0.100"]
