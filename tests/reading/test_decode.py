import pytest

from app.reading.decode import clean, decode

pytestmark = pytest.mark.unit

CHINESE = "\u8fd9\u662f\u4e00\u7bc7\u5173\u4e8e\u6625\u5929\u7684\u6587\u7ae0\u3002" * 20
GERMAN = "<p>Die Stra\u00dfe f\u00fchrt \u00fcber die Br\u00fccke.</p>"


@pytest.mark.parametrize(
    ("body", "charset"),
    [
        (GERMAN.encode("utf-8"), ""),
        (GERMAN.encode("utf-8"), "utf-8"),
        (GERMAN.encode("utf-8"), "iso-8859-1"),
        (GERMAN.encode("utf-8"), "no-such-charset"),
        (GERMAN.encode("utf-8-sig"), ""),
        (GERMAN.encode("iso-8859-1"), "iso-8859-1"),
        (GERMAN.encode("cp1252"), ""),
        (GERMAN.encode("utf-16"), ""),
        (GERMAN.encode("utf-16-le"), "utf-16-le"),
    ],
)
def test_the_text_survives_right_wrong_and_missing_charsets(body: bytes, charset: str) -> None:
    assert decode(body, charset) == GERMAN


@pytest.mark.parametrize("charset", ["gb18030", "utf-8", ""])
def test_a_chinese_page_is_read_by_its_meta_tag_or_its_header(charset: str) -> None:
    page = f"<html><head><meta charset=gb18030></head><body>{CHINESE}</body></html>"
    assert CHINESE in decode(page.encode("gb18030"), charset)


def test_what_postgresql_cannot_store_is_removed() -> None:
    assert clean(" a\x00b\x07c\ud800d\r\ne\u2028f\tg ") == "abcd\ne\nf\tg"
