"""What a page costs the worker."""

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from app.core.schema_version import ROOT
from app.reading.article import RawDocument
from app.reading.content_types import HTML
from app.reading.read import extract_document, summarise_article

pytestmark = pytest.mark.unit

PAGE = RawDocument(next(iter(sorted((ROOT / "app/local/samples").glob("*.html")))).read_bytes(), HTML)


def test_article_in_a_page(benchmark: BenchmarkFixture) -> None:
    assert benchmark(extract_document, PAGE).article.text


def test_summary_of_an_article(benchmark: BenchmarkFixture) -> None:
    assert benchmark(summarise_article, extract_document(PAGE).article).summary.text
