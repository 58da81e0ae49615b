"""What the server process has done before it forks a child."""

from importlib import import_module

import pytest
from dateparser.languages.dictionary import Dictionary

from app.reading.sandbox import PRELOAD

pytestmark = pytest.mark.integration


def test_the_expressions_of_all_languages_dates_are_compiled_before_a_child_is_forked() -> None:
    import_module(PRELOAD)
    compiled = [len(locales) for locales in Dictionary._split_regex_cache.values()]  # noqa: SLF001  # no other way
    assert max(compiled) > 150
