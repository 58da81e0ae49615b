"""One burst of wrk (Debian's package of that name) against one target, and what it and the server spent."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.load.bench.machine import Spent, Stopwatch

SCRIPT = Path(__file__).with_name("requests.lua")
# A slow answer is slow, not failed: wrk's own two seconds are less than 32 logins take on a slow machine.
PATIENCE = "30s"
_FIGURES = {
    "rate": re.compile(r"Requests/sec:\s+([\d.]+)"),
    "p50": re.compile(r"50%\s+([\d.]+)(us|ms|s)"),
    "p99": re.compile(r"99%\s+([\d.]+)(us|ms|s)"),
    "refused": re.compile(r"Non-2xx or 3xx responses: (\d+)"),
    "errors": re.compile(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)"),
    "requests": re.compile(r"(\d+) requests in"),
}
_MILLISECONDS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


@dataclass(frozen=True, slots=True)
class Request:
    path: str
    headers: tuple[tuple[str, str], ...] = ()
    method: str = "GET"
    body: str = ""

    @property
    def line(self) -> str:
        """As requests.lua reads it."""
        headers = "\1".join(f"{name}: {value}" for name, value in self.headers)
        return f"{self.method}\t{self.path}\t{headers}\t{self.body}"


@dataclass(frozen=True, slots=True)
class Burst:
    """`rate` a second; latencies in ms; `processor_us` of the server's one process, a request.

    `others`: what share of the machine somebody else took meanwhile. `lags`: how many turns of the loop were
    at most so many seconds late, by bounds; empty where nobody looked.
    """

    rate: float
    p50: float
    p99: float
    failed: int
    requests: int
    processor_us: float
    others: float = 0.0
    lags: Mapping[float, float] = field(default_factory=dict)


def installed() -> bool:
    return shutil.which("wrk") is not None


def burst(url: str, requests: Sequence[Request], *, pid: int, seconds: float, connections: int) -> Burst:
    """`pid`: the one process that answers."""
    with tempfile.NamedTemporaryFile("w", suffix=".requests") as file:
        file.writelines(f"{request.line}\n" for request in requests)
        file.flush()
        command = [
            "wrk",
            "-t1",
            f"-c{connections}",
            f"-d{seconds:.0f}s",
            f"--timeout={PATIENCE}",
            "--latency",
        ]
        command += ["-s", str(SCRIPT), url]
        stopwatch = Stopwatch(pid)
        text = subprocess.run(  # noqa: S603  # the program that the benchmark is made with
            command, env={**os.environ, "REQUESTS": file.name}, capture_output=True, text=True, check=True
        ).stdout
        spent = stopwatch.stop()
    return read(text, spent=spent)


def read(text: str, *, spent: Spent) -> Burst:
    """Wrk's report. Raises ValueError where it is none."""
    rate, requests = (_FIGURES[name].search(text) for name in ("rate", "requests"))
    if rate is None or requests is None:
        raise ValueError(f"wrk said: {text}")
    refused, errors = (_FIGURES[name].search(text) for name in ("refused", "errors"))
    return Burst(
        rate=float(rate[1]),
        p50=_latency(text, "p50"),
        p99=_latency(text, "p99"),
        failed=sum(int(number) for found in (refused, errors) if found for number in found.groups()),
        requests=int(requests[1]),
        processor_us=spent.server * 1_000_000 / max(1, int(requests[1])),
        others=spent.others,
    )


def _latency(text: str, name: str) -> float:
    found = _FIGURES[name].search(text)
    return float(found[1]) * _MILLISECONDS[found[2]] if found else float("nan")
