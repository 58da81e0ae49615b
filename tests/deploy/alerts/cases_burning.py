"""When the objectives' alerts are heard, by what their records say."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from deploy.prometheus.objectives import BURNS, FEWEST_ERRORS, OBJECTIVES, Burn, Objective
from tests.deploy.alerts.promtool import Case, gauge, seconds

OVER, UNDER = 1.05, 0.95


@dataclass(frozen=True, slots=True)
class Burning:
    """Cases of one alert. Shares are multiples of the budget, errors as many as a long window has."""

    objective: Objective
    burn: Burn

    @property
    def alert(self) -> str:
        return f"{self.objective.name.capitalize()}Burn{self.burn.severity.capitalize()}"

    def case(self, claim: str, times: Mapping[str, float], *errors: tuple[float, float], every: int) -> Case:
        """`errors`: for how many windows, and how many they are in one. Silent and without an end so far."""
        name, window = self.objective.name, self.burn.counted_seconds
        lasting = f"{sum(windows for windows, _ in errors) * window:.0f}s"
        shares = {pair: times.get(pair, 0) * self.objective.budget for pair in self.windows}
        series = {
            f"precis:{name}:error_share_{pair}": gauge((lasting, share), every=every)
            for pair, share in shares.items()
        }
        rates = ((f"{windows * window:.0f}s", many / window) for windows, many in errors)
        series[f"precis:{name}:error_rate_5m"] = gauge(*rates, every=every)
        return Case(self.alert, claim, series, every=every, evaluated=every)

    @property
    def windows(self) -> list[str]:
        return [window for long, short, _ in self.burn.pairs for window in (long, short)]

    def by_share(self) -> Iterator[Case]:
        lasting = seconds(self.burn.lasting)
        every = 60 if self.burn.severity == "page" else 300
        many = (1.0, 100.0)
        for long, short, times in self.burn.pairs:
            over = {long: times * OVER, short: times * OVER}
            case = self.case(f"over {times:g} in {long} and {short}", over, many, every=every)
            yield replace(case, silent=(f"{lasting - every}s",), fires=(f"{lasting}s", f"{2 * lasting}s"))
            for window, meaning in ((short, "it is over"), (long, "it has only begun")):
                case = self.case(
                    f"hardly in {window}: {meaning}", over | {window: times * UNDER}, many, every=every
                )
                yield replace(case, silent=(f"{2 * lasting}s",))

    def by_number(self) -> Iterator[Case]:
        """These look at whole windows of errors: evaluated sixty or a hundred times in each."""
        window, every = self.burn.counted_seconds, 60 if self.burn.severity == "page" else 900
        long, short, times = self.burn.pairs[0]
        over = {long: times * OVER, short: times * OVER}
        few, enough = UNDER * FEWEST_ERRORS, OVER * FEWEST_ERRORS
        for claim, errors, fires in (
            ("a few errors of hardly more requests", few, False),
            ("just enough", enough, True),
        ):
            when = (f"{window // 4}s",)
            case = self.case(claim, over, (1, errors), every=every)
            yield replace(case, fires=when if fires else (), silent=() if fires else when)
        case = self.case(
            "just enough, and none in the window before", over, (2, 0), (1.5, enough), every=every
        )
        yield replace(case, fires=(f"{round(3.2 * window)}s",))
        case = self.case("many, which have only begun", over, (1, 0), (0.5, 2 * FEWEST_ERRORS), every=every)
        yield replace(case, silent=(f"{round(1.4 * window / every) * every}s",))

    def nothing(self) -> Case:
        return Case(self.alert, "nothing is recorded", silent=("1h",), every=300, evaluated=300)

    def said(self) -> Case:
        """What its receiver reads is the long window's share."""
        over = dict.fromkeys(self.windows, 0.8 / self.objective.budget)
        case = self.case("what it says", over, (1, 1000.0), every=60)
        text = f"80% {self.objective.complaint}: the budget {self.burn.consequence}"
        return replace(case, says={"20m": text}, fires=("20m",))


def _cases() -> Iterator[Case]:
    for objective in OBJECTIVES:
        for burn in BURNS:
            burning = Burning(objective, burn)
            yield from (*burning.by_share(), *burning.by_number(), burning.nothing(), burning.said())


CASES = list(_cases())
