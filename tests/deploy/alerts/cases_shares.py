"""When the alerts about a share of tries that fail are heard: fetches, mails, deliveries."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from tests.deploy.alerts.promtool import Case, counter, seconds


@dataclass(frozen=True, slots=True)
class Share:
    """`counted` is what must be over `fewest` within the window: of `bad` alone or of all."""

    alert: str
    good: str
    bad: tuple[str, str]
    window: str
    lasting: str
    limit: float
    fewest: int
    counts_all: bool
    says: str
    every: int

    def series(self, *spans: tuple[str, float, float]) -> Mapping[str, str]:
        """By span: how many tries in a window, and what share of them fails, half in each of two series."""
        window = seconds(self.window)
        failing = [(lasting, many * share / window) for lasting, many, share in spans]
        sound = [(lasting, many * (1 - share) / window) for lasting, many, share in spans]
        half = counter(*((lasting, rate / 2) for lasting, rate in failing), every=self.every)
        return {self.bad[0]: half, self.bad[1]: half, self.good: counter(*sound, every=self.every)}

    def enough(self, share: float) -> float:
        """So many tries that what is counted is at the limit."""
        return self.fewest if self.counts_all else self.fewest / share


SHARES = (
    Share(
        "FetchesFailing",
        'precis_fetches_total{outcome="fetched"}',
        ('precis_fetches_total{outcome="dns"}', 'precis_fetches_total{outcome="connect"}'),
        window="10m",
        lasting="5m",
        limit=0.9,
        fewest=20,
        counts_all=True,
        says="100% of pages cannot be reached: our way out is closed",
        every=60,
    ),
    Share(
        "MailFailing",
        'precis_jobs_total{task="accounts.send_mail",outcome="done"}',
        (
            'precis_jobs_total{task="accounts.send_mail",outcome="error"}',
            'precis_jobs_total{task="organizations.send_invitation",outcome="error"}',
        ),
        window="30m",
        lasting="5m",
        limit=0.5,
        fewest=5,
        counts_all=False,
        says="100% of tries to send a mail fail",
        every=150,
    ),
    Share(
        "WebhooksFailing",
        'precis_webhook_tries_total{outcome="delivered"}',
        (
            'precis_webhook_tries_total{outcome="timeout"}',
            'precis_webhook_tries_total{outcome="http_status"}',
        ),
        window="30m",
        lasting="15m",
        limit=0.5,
        fewest=20,
        counts_all=True,
        says="100% of tries to deliver an event fail",
        every=150,
    ),
)

MAIL_FAILS = 'precis_jobs_total{task="accounts.send_mail",outcome="error"}'
OTHERS_FAIL = 'precis_jobs_total{task="summaries.summarise",outcome="error"}'


def _cases(share: Share) -> Iterator[Case]:
    window, lasting = seconds(share.window), seconds(share.lasting)
    name, limit, many = share.alert, share.limit, 10 * share.fewest
    over, under = limit * 1.05, limit * 0.95
    steady = f"{3 * window}s"
    settled = (f"{2 * window + 2 * lasting}s",)
    fails = share.series((steady, many, 0), ("3h", many, 1))
    # All fail from then on: over the limit when this share of the window has passed.
    crossed = 3 * window + limit * window
    yield Case(
        name,
        "all begin to fail",
        fails,
        silent=(f"{3 * window}s", f"{crossed + lasting - share.every:.0f}s"),
        fires=(f"{crossed + lasting + share.every:.0f}s",),
        says={f"{4.5 * window + lasting:.0f}s": share.says},
    )
    yield Case(name, "a little more than may", share.series(("3h", many, over)), fires=settled)
    yield Case(name, "a little less", share.series(("3h", many, under)), silent=settled)
    enough = share.enough(1.0)
    yield Case(name, "just enough tries", share.series(("3h", enough * 1.04, 1)), fires=settled)
    yield Case(name, "just too few tries", share.series(("3h", enough * 0.96, 1)), silent=settled)
    short = max(lasting / 4, share.every)
    peak = many * window / short
    yield Case(
        name,
        "they all come and fail at once, and are remembered for a window",
        share.series((steady, 0, 0), (f"{short:.0f}s", peak, 1), (f"{2 * window}s", 0, 0)),
        fires=(f"{4 * window - 150}s",),
        silent=(f"{4 * window + short + 300:.0f}s",),
    )
    yield Case(
        name,
        "a rush that went well outweighs a few that fail",
        share.series((steady, 100 * many, 0), (f"{0.8 * window:.0f}s", enough * 3, 1), ("1h", 0, 0)),
        silent=tuple(f"{3 * window + part * window:.0f}s" for part in (0.5, 0.7, 0.79)),
    )
    yield Case(
        name,
        "what begins late fails by a share under the limit",
        share.series((steady, 0, 0), ("3h", many, under)),
        silent=tuple(f"{3 * window + part * window:.0f}s" for part in (0.9, 1.2, 1.9)),
    )
    yield Case(
        name,
        "a rush of failures long ago, and few since",
        share.series((steady, many, 1), ("3h", many / 100, 0)),
        silent=tuple(f"{4 * window + part * window:.0f}s" for part in (0.1, 0.5, 0.9)),
    )
    yield Case(name, "nothing is tried", share.series(("3h", 0, 0)), silent=settled)
    yield Case(name, "no process", silent=settled)


def _mails(claim: str, *, fires: bool, fail: float, sent: float, others: str) -> Case:
    """So many mails within the window, beside many other jobs that come to `others`."""
    series = {
        MAIL_FAILS: counter(("1h", fail / 1800), every=150),
        MAIL_FAILS.replace("error", "done"): counter(("1h", sent / 1800), every=150),
        OTHERS_FAIL.replace("error", others): counter(("1h", 1), every=150),
    }
    when = ("50m",)
    case = Case("MailFailing", claim, series, every=150, evaluated=150)
    return replace(case, fires=when) if fires else replace(case, silent=when)


CASES = [
    *(replace(case, every=share.every, evaluated=share.every) for share in SHARES for case in _cases(share)),
    Case(
        "FetchesFailing",
        "pages that say no are no fault of ours",
        {'precis_fetches_total{outcome="http_status"}': counter(("1h", 1))},
        silent=("30m",),
    ),
    _mails("other jobs fail", fires=False, fail=0, sent=20, others="error"),
    _mails("every other job succeeds", fires=True, fail=18, sent=0, others="done"),
    _mails("three fail, and much else", fires=False, fail=3, sent=0, others="error"),
    _mails("eight of thirty fail, and much else", fires=False, fail=8, sent=22, others="error"),
    _mails("four of seven", fires=False, fail=4, sent=3, others="done"),
]
