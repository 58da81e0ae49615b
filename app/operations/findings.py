"""What a check found, and what to do about it."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """`warning`: it works, but an operator should know; `fault`: something does not work."""

    SOUND = "sound"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Finding:
    """`advice` says what to do, in the imperative; empty where there is nothing to do."""

    check: str
    verdict: Verdict
    text: str
    advice: str = ""

    def line(self) -> str:
        mark = {Verdict.SOUND: "ok  ", Verdict.WARNING: "WARN", Verdict.FAULT: "FAIL"}[self.verdict]
        advice = f"\n       -> {self.advice}" if self.advice else ""
        return f"{mark} {self.check}: {self.text}{advice}"


def sound(check: str, text: str) -> Finding:
    return Finding(check, Verdict.SOUND, text)


def warning(check: str, text: str, advice: str) -> Finding:
    return Finding(check, Verdict.WARNING, text, advice)


def fault(check: str, text: str, advice: str) -> Finding:
    return Finding(check, Verdict.FAULT, text, advice)
