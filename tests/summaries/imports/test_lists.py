"""Lists of every kind: what is read from honest ones, and how hostile ones end."""

import pytest

from app.summaries.imports.links import Link, MalformedListError, TooManyRowsError
from app.summaries.imports.lists import ListFormat, UnknownListError, read_list

pytestmark = pytest.mark.unit
MIB = 1024 * 1024
BOOKMARKS = """<!DOCTYPE NETSCAPE-Bookmark-file-1>
<!-- This is an automatically generated file. -->
<META HTTP-EQUIV="Content-Type" CONTENT="text/html; charset=UTF-8">
<TITLE>Bookmarks</TITLE><H1>Bookmarks</H1>
<DL><p>
    <DT><H3 PERSONAL_TOOLBAR_FOLDER="true">Bookmarks bar</H3>
    <DL><p>
        <DT><H3 ADD_DATE="1">Work &amp; play</H3>
        <DL><p>
            <DT><A HREF="https://a.example/?x=1&amp;y=2" TAGS="one,two" ICON="data:,">A &lt;b&gt;</A>
            <DD>A note
        </DL><p>
        <DT><A HREF='javascript:alert(1)'>Script</A>
    </DL><p>
    <DT><A NAME="no address">x</A>
    <DT><A HREF="https://b.example/">B</A>
</DL><p>
"""
OPML = """<?xml version="1.0" encoding="{encoding}"?>
<opml version="2.0"><head><title>Feeds</title></head><body>
<outline text="News">
 <outline text="Ä" type="rss" xmlUrl="https://a.example/feed" htmlUrl="https://a.example/" category="/x,y"/>
</outline>
<outline title="Link" type="link" url="https://b.example/" description="A note"/>
<outline text="Only a feed" xmlUrl="https://c.example/feed"/>
</body></opml>"""
ENTITIES = '<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'


def opml(*, encoding: str) -> bytes:
    return OPML.format(encoding=encoding).encode(encoding)


@pytest.mark.parametrize(
    "body",
    [
        *(b"\x00\x01\x02", b"%PDF-1.7\x01", b"<html><a href=x>", b"<?xml version='1.0'?><rss/>"),
        b"<script>alert(1)</script>",
    ],
)
def test_what_is_no_list_is_unknown(body: bytes) -> None:
    with pytest.raises(UnknownListError):
        read_list(body)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "list_empty"),
        (b"\n# only a comment\n", "list_empty"),
        (b"url,title\n", "list_empty"),
        (b"url\n" + b'"' * MIB, "csv_malformed"),
        (b'url\n"a\nb', "csv_malformed"),
        (b"url\n" + b"a" * MIB, "csv_malformed"),
        (b"<opml><body>", "opml_malformed"),
        (b"<?xml version='1.0' encoding='nonsense'?><opml/>", "opml_malformed"),
        (b"<?xml version='1.0' encoding='utf-7'?><opml/>", "opml_malformed"),
        (b"<x><opml ></opml></x>", "opml_root"),
        (b"<opml >" + b"<outline text='x'>" * 200_000, "opml_depth"),
        (f"<!DOCTYPE opml [{ENTITIES}]><opml ><outline url='&b;'/></opml>".encode(), "opml_entities"),
        (b"<!DOCTYPE opml SYSTEM 'http://127.0.0.1:1/x.dtd'><opml ></opml>", "opml_entities"),
        (b"<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><opml ></opml>", "opml_entities"),
        (b"<DT><A " + b"<a " * MIB, "list_empty"),
        (b"<DT><A HREF=" + b'"' * MIB, "list_empty"),
    ],
)
def test_a_broken_list_says_what_is_wrong_with_it(body: bytes, code: str) -> None:
    with pytest.raises(MalformedListError) as failed:
        read_list(body)
    assert failed.value.code == code


@pytest.mark.parametrize(
    "body",
    [
        b"https://a.example/\n" * 1001,
        b"url\n" + b"https://a.example/\n" * 1001,
        b"<opml >" + b"<outline url='https://a.example/'/>" * 1001 + b"</opml>",
        b"<DT><A HREF='https://a.example/'>" * 1001,
        b"<DT><H3>" + b"<DL>" * MIB,
    ],
)
def test_a_list_of_more_than_a_thousand_rows_is_not_read_to_its_end(body: bytes) -> None:
    with pytest.raises(TooManyRowsError):
        read_list(body)


def test_a_thousand_rows_are_read() -> None:
    assert len(read_list(b"https://a.example/\n" * 1000).links) == 1000


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_lines_of_text_are_urls(encoding: str) -> None:
    read = read_list("https://a.example/ä\r\n\r\n # not this\n  https://b.example/ ".encode(encoding))
    assert read.format is ListFormat.TEXT
    assert read.links == [Link(1, "https://a.example/ä"), Link(4, "https://b.example/")]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_has_a_column_of_urls_and_may_have_others(delimiter: str) -> None:
    rows = [
        ["Title", '"URL"', "time_added", "tags", "Notes"],
        ['"Two\nlines"', "https://a.example/", "1", '"x|y, z"', "n"],
        [],
        ["", " https://b.example/ "],
    ]
    read = read_list("\n".join(delimiter.join(row) for row in rows).encode())
    assert read.format is ListFormat.CSV
    assert read.links == [
        Link(2, "https://a.example/", "Two\nlines", ("x", "y", "z"), "n"),
        Link(5, "https://b.example/"),
    ]


def test_a_row_without_a_url_is_a_row_still() -> None:
    assert read_list(b"title,url\nwithout,\n").links == [Link(2, "", "without")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1"])
def test_outlines_are_links_and_those_around_them_tags(encoding: str) -> None:
    read = read_list(opml(encoding=encoding))
    assert read.format is ListFormat.OPML
    assert read.links == [
        Link(4, "https://a.example/", "Ä", ("News", "x", "y")),
        Link(6, "https://b.example/", "Link", (), "A note"),
        Link(7, "https://c.example/feed", "Only a feed"),
    ]


def test_bookmarks_are_links_and_their_folders_tags() -> None:
    read = read_list(BOOKMARKS.encode())
    assert read.format is ListFormat.BOOKMARKS
    assert read.links == [
        Link(10, "https://a.example/?x=1&y=2", "A <b>", ("Work & play", "one", "two"), "A note"),
        Link(13, "javascript:alert(1)", "Script"),
        Link(16, "https://b.example/", "B"),
    ]


def test_what_a_browser_stored_without_bounds_is_clipped() -> None:
    folders = "".join(f"<DT><H3>{number}{'f' * 99}</H3><DL>" for number in range(150))
    [link] = read_list(f'{folders}<DT><A HREF="https://a.example/">{"t" * 999}</A>'.encode()).links
    assert (len(link.title or ""), len(link.tags), {len(tag) for tag in link.tags}) == (500, 20, {50})


def test_lists_closed_more_often_than_opened_are_read_on() -> None:
    body = b'</DL></DL><DT><A HREF="https://a.example/">A</A></DL><DT><A HREF="https://b.example/">B</A>'
    assert [link.url for link in read_list(body).links] == ["https://a.example/", "https://b.example/"]
