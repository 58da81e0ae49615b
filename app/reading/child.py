"""What a child process does before and around its work. Imports all the heavy libraries: children only."""

import logging
import resource
import signal
from pathlib import Path

from app.reading.article import Article, ExtractResult, Judged, Length, RawDocument, Style, SummariseResult
from app.reading.language import detect_language
from app.reading.preselect import preselect
from app.reading.providers.answers import judge_answer
from app.reading.read import extract_document, summarise_article

PAGE_SIZE = resource.getpagesize()


def start(memory_bytes: int) -> None:
    """Cap this process's memory at `memory_bytes` above what its libraries have mapped already."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    logging.disable(logging.WARNING)  # trafilatura reports each odd page
    detect_language("load the model before the limit counts")
    mapped = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * PAGE_SIZE
    resource.setrlimit(resource.RLIMIT_AS, (mapped + memory_bytes, resource.RLIM_INFINITY))


def extract_within(document: RawDocument, cpu_seconds: int) -> ExtractResult:
    _allow_processor_time(cpu_seconds)
    return extract_document(document)


def summarise_within(article: Article, length: Length, *, style: Style, cpu_seconds: int) -> SummariseResult:
    _allow_processor_time(cpu_seconds)
    return summarise_article(article, length, style=style)


def preselect_within(article: Article, most_bytes: int, *, cpu_seconds: int) -> str:
    _allow_processor_time(cpu_seconds)
    return preselect(article, most_bytes)


def judge_within(answer: str, article: Article, *, length: Length, style: Style, cpu_seconds: int) -> Judged:
    _allow_processor_time(cpu_seconds)
    return judge_answer(answer, article, length=length, style=style)


def _allow_processor_time(seconds: int) -> None:
    """From now on; the kernel counts a process's whole life, and a child serves many documents."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    spent = usage.ru_utime + usage.ru_stime
    resource.setrlimit(resource.RLIMIT_CPU, (int(spent) + 1 + seconds, resource.RLIM_INFINITY))
