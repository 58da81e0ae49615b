"""The reader's child process with three faults built in, which pages of our origin set off."""

import os
import signal
import time

from app.reading import child
from app.reading.article import ExtractResult, RawDocument
from app.reading.child import (
    judge_within,
    preselect_within,
    start,
    summarise_within,
)
from app.reading.language import detect_language
from tests.drills.origin import MARKER

__all__ = [
    "detect_language",
    "extract_within",
    "judge_within",
    "preselect_within",
    "start",
    "summarise_within",
]

GIB = 1024**3


def extract_within(document: RawDocument, cpu_seconds: int) -> ExtractResult:
    extracted = child.extract_within(document, cpu_seconds)
    _, _, kind = extracted.article.text.partition(MARKER)
    match kind.partition(" ")[0]:
        case "crashes":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "spins":
            while True:
                pass
        case "sleeps":
            time.sleep(3600)
        case "bloats":
            bytearray(4 * GIB)
        case _:
            pass
    return extracted
