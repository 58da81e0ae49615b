import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.reading import keywords, sentences, terms
from app.reading.tokens import Tokens

pytestmark = pytest.mark.unit
PLAIN = st.text(st.sampled_from(string.ascii_letters[:6] + "019_" + " .,'-\"\n\t\x00"), max_size=60)


@pytest.mark.parametrize("tokens", [sentences.WORD, keywords.TOKEN, terms.TOKEN])
@given(text=PLAIN | st.text(st.characters(max_codepoint=127), max_size=60))
def test_in_ascii_both_patterns_find_the_same(tokens: Tokens, text: str) -> None:
    assert tokens.ascii.findall(text) == tokens.any.findall(text)
    assert tokens.ascii.split(text) == tokens.any.split(text)


def test_outside_ascii_letters_of_any_script_are_found() -> None:
    text = "Der Käse \u2019s caf\u00e9-bar \u6a4b"
    assert sentences.WORD.findall(text) == ["Der", "Käse", "s", "caf\u00e9-bar", "\u6a4b"]
    assert [found.start() for found in sentences.WORD.finditer("a é")] == [0, 2]
