"""What the process has counted so far; a test compares before and after."""

from prometheus_client import REGISTRY


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def judged(action: str, outcome: str) -> float:
    return value("precis_auth_total", action=action, outcome=outcome)
