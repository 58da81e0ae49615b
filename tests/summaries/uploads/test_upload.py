"""POST /summaries/upload: what is refused, and what is kept of what is not."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import FastAPI
from httpx2 import AsyncClient

from app.core.principal import MembershipRole
from app.settings import Settings
from tests.factories import Factory, Person
from tests.reading.archives_made import archive, with_entry_size
from tests.reading.documents_made import html, pdf, word, zip_bomb
from tests.summaries.shelf import PATH as SUMMARIES
from tests.summaries.shelf import TEXT, job_ids
from tests.summaries.uploads.forms_sent import (
    MULTIPART,
    PATH,
    content_of,
    form,
    part,
    post_raw,
    upload,
    upload_several,
)

pytestmark = pytest.mark.integration
MIB = 1024 * 1024
NOT_FORMS = [
    ("application/json", 415),
    ("application/x-www-form-urlencoded", 415),
    ("application/pdf", 415),
    ("multipart/mixed; boundary=boundary", 415),
    ("multipart/form-data", 400),
    ("multipart/form-data; boundary=other", 400),
    ("multipart/form-data; boundary=" + "x" * 5000, 400),
]
EXE = b"MZ\x90\x00\x03\x00" + bytes(100)
PROBLEM = "application/problem+json"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
SHAPES: list[tuple[list[bytes], int, str]] = [
    ([part("title", b"T")], 422, "missing"),
    ([part("file", b"", filename=b"")], 422, "missing"),
    ([part("file", b"", filename=b"a.txt")], 422, "file_empty"),
    ([part("file", b"no file name")], 422, "field_kind"),
    ([part("title", b"x", filename=b"title.txt")], 422, "field_kind"),
    ([part("file", b"a", filename=b"a"), part("files", b"b", filename=b"b")], 422, "files_ambiguous"),
    ([part("file", b"a", filename=b"a"), part("file", b"b", filename=b"b")], 422, "repeated"),
    ([part("files", b"a", filename=b"a")] * 11, 400, "malformed_request"),
    ([part("tags", b"a")] * 10_000, 400, "malformed_request"),
    ([part("notes", b"a" * 100_000)], 400, "malformed_request"),
]
NOT_OPTIONS: list[tuple[dict[str, Any], str, str]] = [
    ({"url": "https://a.example"}, "/url", "extra_forbidden"),
    ({"text": "x"}, "/text", "extra_forbidden"),
    ({"document": "x"}, "/document", "extra_forbidden"),
    ({"engin": "x"}, "/engin", "extra_forbidden"),
    ({"style": ["bullets", "headline"]}, "/style", "repeated"),
    ({"length": "huge"}, "/length", "literal_error"),
    ({"words": "5"}, "/words", "greater_than_equal"),
    ({"words": "many"}, "/words", "int_parsing"),
    ({"words": "50", "length": "short"}, "/words", "length_ambiguous"),
    ({"store": "perhaps"}, "/store", "bool_parsing"),
    ({"title": "a\x00b"}, "", "forbidden_character"),
    ({"callback": "ftp://a.example"}, "/callback", "url_scheme"),
    ({"tags": ",".join(str(n) for n in range(21))}, "/tags", "too_long"),
]
NAMES: list[tuple[bytes, str | None]] = [
    (b"../../etc/passwd", "passwd"),
    (b"..\\..\\boot.ini", "boot.ini"),
    (b"C:\\docs\\report.pdf", "report.pdf"),
    (b"a\x00b.txt", "ab.txt"),
    ("photo\u202egpj.exe".encode(), "photogpj.exe"),
    (b"..", None),
    (b"/", None),
    ("Bérichte 2024 \U0001f41d.pdf".encode(), "Bérichte 2024 \U0001f41d.pdf"),
    (b"\xff\xfe.txt", "ÿþ.txt"),
    (b"a" * 1000 + b".txt", "a" * 255),
]
DOCUMENTS = [
    (pdf("Words."), "application/pdf"),
    (word("Words."), DOCX),
    (html("Words."), "text/html"),
    (TEXT.encode(), "text/plain"),
]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """What is refused is the claim here, not how often."""
    return settings.model_copy(update={"rate_limit_scale": 1000})


async def chunks(*, mebibytes: int) -> AsyncIterator[bytes]:
    """A form without Content-Length, and without an end."""
    yield part("file", b"", filename=b"a.txt").removesuffix(b"\r\n")
    for _ in range(mebibytes):
        yield b"a" * MIB


async def test_a_files_fault_leads_to_that_file(client: AsyncClient, alice: Person) -> None:
    answer = await upload_several(client, alice, ("a.txt", TEXT.encode()), ("empty.txt", b""))
    problem = answer.json()["items"][1]["problem"]
    assert problem["errors"][0]["pointer"] == "/files/1"


async def test_a_viewer_may_not(client: AsyncClient, factory: Factory, alice: Person) -> None:
    viewer = await factory.member("vera", alice.organization_id, role=MembershipRole.VIEWER)
    assert (await upload(client, viewer)).status_code == 403


async def test_nobodys_form_is_not_read(client: AsyncClient) -> None:
    async def never() -> AsyncIterator[bytes]:
        raise AssertionError("read before it was known whose it is")
        yield b""

    assert (await client.post(PATH, content=never(), headers=MULTIPART)).status_code == 401


async def test_what_is_no_form_is_refused(
    client: AsyncClient, alice: Person, subtests: pytest.Subtests
) -> None:
    body = form(part("file", b"x", filename=b"a.txt"))
    for content_type, status in NOT_FORMS:
        headers = {**alice.headers, "Content-Type": content_type}
        answer = await client.post(PATH, content=body, headers=headers)
        with subtests.test(content_type[:60]):
            assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM)


async def test_a_form_of_another_shape_is_refused(
    client: AsyncClient, alice: Person, subtests: pytest.Subtests
) -> None:
    for parts, status, code in SHAPES:
        answer = await post_raw(client, alice, *parts)
        with subtests.test(code):
            problem = answer.json()
            codes = {problem["code"], *(fault["code"] for fault in problem.get("errors", []))}
            assert (answer.status_code, code in codes) == (status, True), problem


async def test_a_form_that_ends_too_early_is_refused(client: AsyncClient, alice: Person) -> None:
    cut = form(part("file", b"words", filename=b"a.txt"))[:-20]
    answer = await client.post(PATH, content=cut, headers={**alice.headers, **MULTIPART})
    assert (answer.status_code, answer.json()["detail"]) == (400, "The form has no end")


async def test_an_option_that_is_none_is_422_and_nothing_is_made(
    client: AsyncClient, alice: Person, app: FastAPI, subtests: pytest.Subtests
) -> None:
    for fields, pointer, code in NOT_OPTIONS:
        answer = await upload(client, alice, **fields)
        with subtests.test(str(fields)[:60]):
            faults = {(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]}
            assert (answer.status_code, (pointer, code) in faults) == (422, True), faults
    assert await job_ids(app.state.database) == []


async def test_other_bytes_are_415_whatever_their_name(
    client: AsyncClient, alice: Person, app: FastAPI, subtests: pytest.Subtests
) -> None:
    for body in (EXE, b"\x89PNG\r\n\x1a\n" + bytes(50), archive("evil.exe")):
        for name in ("report.pdf", "report.docx", "report.txt"):
            answer = await upload(client, alice, body, name=name)
            with subtests.test(name):
                assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
                assert "bytes" in answer.json()["hint"]
    assert await job_ids(app.state.database) == []


async def test_too_large_a_document_is_413(
    client: AsyncClient, alice: Person, subtests: pytest.Subtests
) -> None:
    claiming = with_entry_size(archive("a", "word/document.xml"), 2**31)
    for body in (zip_bomb(), claiming, html("a" * (5 * MIB + 1)), b"a" * (20 * MIB + 1)):
        answer = await upload(client, alice, body)
        with subtests.test(str(body[:20])):
            assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


async def test_files_that_are_too_large_together_are_413(client: AsyncClient, alice: Person) -> None:
    half = b"a" * (10 * MIB + 1)
    assert (await upload_several(client, alice, ("a", half), ("b", half))).status_code == 413


async def test_a_body_that_never_says_its_length_is_cut_off(client: AsyncClient, alice: Person) -> None:
    answer = await client.post(PATH, content=chunks(mebibytes=30), headers={**alice.headers, **MULTIPART})
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


async def test_a_document_is_kept_as_it_was_sent_under_its_own_type(
    client: AsyncClient, alice: Person, app: FastAPI, subtests: pytest.Subtests
) -> None:
    for body, media_type in DOCUMENTS:
        answer = await upload(client, alice, body, name="report.exe")
        summary_id = answer.json()["id"]
        with subtests.test(media_type):
            assert answer.status_code == 202
            assert answer.headers["Location"].endswith(f"{SUMMARIES}/{summary_id}")
            assert await content_of(app, alice, summary_id) == (body, "report.exe", media_type)


async def test_markdown_is_told_by_its_name(client: AsyncClient, alice: Person, app: FastAPI) -> None:
    created = (await upload(client, alice, b"# The river\n\nIt rose.", name="river.md")).json()
    assert (await content_of(app, alice, created["id"]))[2] == "text/markdown"


async def test_a_file_name_is_data(
    client: AsyncClient, alice: Person, app: FastAPI, subtests: pytest.Subtests
) -> None:
    for sent, kept in NAMES:
        answer = await post_raw(client, alice, part("file", TEXT.encode(), filename=sent))
        with subtests.test(repr(sent[:40])):
            assert answer.status_code == 202, answer.text
            assert (await content_of(app, alice, answer.json()["id"]))[1] == kept


async def test_options_are_those_of_any_summary(client: AsyncClient, alice: Person) -> None:
    fields: dict[str, Any] = {"words": "80", "style": "bullets", "tags": ["a, b", "c"]}  # Any: as `upload`
    fields |= {"visibility": "organization", "title": "Flood", "notes": "for Monday", "language": ""}
    answer = await upload(client, alice, **fields)
    body = answer.json()
    assert (body["style"], body["tags"], body["visibility"]) == ("bullets", ["a", "b", "c"], "organization")
    assert (body["title"], body["notes"], body["language"]) == ("Flood", "for Monday", None)


async def test_the_same_file_again_is_returned_where_that_was_asked(
    client: AsyncClient, alice: Person
) -> None:
    first = await upload(client, alice)
    again = await upload(client, alice, name="other.txt", on_duplicate="return")
    other = await upload(client, alice, b"Other words.", on_duplicate="return")
    assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])
    assert other.status_code == 202


async def test_a_retry_with_the_same_key_makes_nothing_new(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    first = await upload(client, alice, headers={"Idempotency-Key": "k1"})
    again = await upload(client, alice, headers={"Idempotency-Key": "k1"})
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (202, "true")
    assert again.json() == first.json()
    assert len(await job_ids(app.state.database)) == 1


async def test_another_file_under_the_same_key_is_422(client: AsyncClient, alice: Person) -> None:
    await upload(client, alice, headers={"Idempotency-Key": "k1"})
    answer = await upload(client, alice, b"Other words.", headers={"Idempotency-Key": "k1"})
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")


async def test_of_several_files_each_is_answered_by_itself(
    client: AsyncClient, alice: Person, app: FastAPI
) -> None:
    files = [("a.txt", TEXT.encode()), ("evil.pdf", EXE), ("empty.txt", b""), ("c.pdf", pdf("Words."))]
    answer = await upload_several(client, alice, *files)
    assert answer.status_code == 207
    items = answer.json()["items"]
    assert [(item["index"], item["name"], item["status"]) for item in items] == [
        (0, "a.txt", 202),
        (1, "evil.pdf", 415),
        (2, "empty.txt", 422),
        (3, "c.pdf", 202),
    ]
    assert len(await job_ids(app.state.database)) == 2


async def test_one_of_files_is_still_answered_as_one_of_several(client: AsyncClient, alice: Person) -> None:
    answer = await upload_several(client, alice, ("a.txt", TEXT.encode()))
    [item] = answer.json()["items"]
    assert item["location"].endswith(f"{SUMMARIES}/{item['summary']['id']}")
    assert (answer.status_code, item["problem"]) == (207, None)
