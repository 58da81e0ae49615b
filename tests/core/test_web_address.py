import pytest

from app.core.web_address import web_address

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    "url",
    [
        *(
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            " https://example.org",
            "data:text/html,x",
            "//example.org",
        ),
        *(
            "https:example.org",
            "https://a b",
            'https://a"onclick=x',
            "https://a<b",
            "https://a\n",
            "https://a\u202ex",
        ),
        *("", "http://", "vbscript:x", "file:///etc/passwd", "https://a\x00"),
        *("https://a/\ufffe", "https://a/\uffff", "https://a/\ud800"),
    ],
)
def test_what_does_not_plainly_lead_to_the_web_becomes_no_link(url: str) -> None:
    assert web_address(url) is None


def test_nothing_becomes_no_link() -> None:
    assert web_address(None) is None


@pytest.mark.parametrize(
    "url", ["https://example.org/a?b=1&c=(2)#d", "HTTP://EXAMPLE.org", "https://bücher.example/ü"]
)
def test_a_web_address_stays_as_it_is(url: str) -> None:
    assert web_address(url) == url
