"""The few forms that all panels' expressions have. `where` is the inside of a selector's braces."""

API = 'job="precis-api"'
INTERVAL = "$__rate_interval"


def rate(metric: str, *by: str, where: str = "", over: str = INTERVAL) -> str:
    """A second, of a counter."""
    return _sum(f"rate({_selector(metric, where)}[{over}])", by)


def increase(metric: str, *by: str, where: str = "", over: str = "$__range") -> str:
    return _sum(f"increase({_selector(metric, where)}[{over}])", by)


def quantile(share: float, histogram: str, *by: str, where: str = "") -> str:
    return f"histogram_quantile({share}, {rate(f'{histogram}_bucket', 'le', *by, where=where)})"


def ratio(part: str, whole: str) -> str:
    """0 where there is a whole and no series of the part yet; nothing where nothing happened: not NaN."""
    return f"({part} or vector(0)) / ({whole} > 0)"


def or_zero(expr: str, label: str | None = None) -> str:
    """For what may never have happened: a line at 0 says more than an empty panel.

    `on()`, or the 0 would stand beside series that have a label; `label` names the line that stands alone.
    """
    zero = f'label_replace(vector(0), "{label}", "none", "", "")' if label else "vector(0)"
    return f"{expr} or on() {zero}"


def _selector(metric: str, where: str) -> str:
    return f"{metric}{{{where}}}" if where else metric


def _sum(expr: str, by: tuple[str, ...]) -> str:
    return f"sum by ({', '.join(by)}) ({expr})" if by else f"sum({expr})"
