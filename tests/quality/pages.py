"""How well, and at what cost, the main text and the metadata of real pages are found."""

import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, quantiles

from app.reading.article import Article, RawDocument
from app.reading.content_types import HTML
from app.reading.extract import extract
from app.reading.summarize import summarise
from tests.quality.evaluation_data import Page, evaluator, scrapinghub_pages, wcxb_pages
from tests.quality.pace import Pace


@dataclass(frozen=True, slots=True)
class PageScores:
    """F1 and shares from 0 to 1; processor time in milliseconds, extraction and summary together."""

    wcxb_all: float
    wcxb_articles: float
    scrapinghub: float
    title: float
    author: float
    date: float
    cpu_p50: float
    cpu_p95: float


@dataclass(frozen=True, slots=True)
class Reading:
    page: Page
    article: Article
    cpu_ms: float


def measure(folder: Path, pace: Pace) -> tuple[PageScores, float]:
    """And how fast the machine was meanwhile."""
    wcxb, hub = list(wcxb_pages(folder)), list(scrapinghub_pages(folder))
    readings, slowness = pace.beside(wcxb + hub, _read)
    return _scores(folder, readings[: len(wcxb)], readings[len(wcxb) :]), slowness


def _scores(folder: Path, wcxb: Sequence[Reading], hub: Sequence[Reading]) -> PageScores:
    word_f1 = evaluator(folder / "extraction_wcxb_dev").word_f1
    f1 = {
        reading.page.name: word_f1(reading.article.text, reading.page.truth["main_content"])[2]
        for reading in wcxb
    }
    articles = [reading for reading in wcxb if reading.page.kind == "article"]
    costs = quantiles([reading.cpu_ms for reading in (*articles, *hub)], n=20)
    return PageScores(
        wcxb_all=mean(f1.values()),
        wcxb_articles=mean(f1[reading.page.name] for reading in articles),
        scrapinghub=_scrapinghub_f1(folder, hub),
        title=_share(wcxb, "title", lambda article: article.title or "", same_name),
        author=_share(wcxb, "author", lambda article: article.author or "", same_name),
        date=_share(wcxb, "publish_date", _day, str.__eq__),
        cpu_p50=costs[9],
        cpu_p95=costs[18],
    )


def _read(page: Page) -> Reading:
    began = time.process_time()
    article = extract(RawDocument(page.html, HTML, url=page.url))
    summarise(article.text, title=article.title, language=article.language)
    return Reading(page, article, (time.process_time() - began) * 1000)


def _scrapinghub_f1(folder: Path, readings: Iterable[Reading]) -> float:
    evaluate = evaluator(folder / "extraction_scrapinghub")
    counts = [
        evaluate.string_shingle_matching(reading.page.truth["articleBody"], reading.article.text)
        for reading in readings
    ]
    return float(evaluate.metrics_from_tp_fp_fns(counts)["f1"])


def _share(
    readings: Iterable[Reading], key: str, found: Callable[[Article], str], same: Callable[[str, str], bool]
) -> float:
    """Of the pages whose truth holds `key`, how many gave the same."""
    known = [reading for reading in readings if reading.page.truth.get(key)]
    return mean(same(found(reading.article), str(reading.page.truth[key])) for reading in known)


def _day(article: Article) -> str:
    return article.published_at.date().isoformat() if article.published_at else ""


def same_name(found: str, true: str) -> bool:
    """Equal, or one holds the other: a title with its site's name, an author with a degree."""
    left, right = (" ".join(re.findall(r"\w+", text.lower())) for text in (found, true))
    return bool(left) and (left in right or right in left)
