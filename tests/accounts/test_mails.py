"""The words of the mails: nobody's own words become a link, a line or markup in them."""

from typing import Any

import pytest

from app.accounts.mails import PAGES, SUBJECTS, Addressee, write
from app.core.mail import Letter
from app.outbox.mails import RECIPIENT, Mail

pytestmark = pytest.mark.unit

DORA = Addressee("dora@example.com", "dora")
BASE = "https://precis.example"
# Any: facts of either type
FACTS: dict[str, Any] = {"minutes": 30, "user_agent": "curl/8", RECIPIENT: "old@example.com"}


def letter(mail: Mail = Mail.PASSWORD_CHANGED, addressee: Addressee = DORA, **facts: Any) -> Letter:
    # Any: as FACTS
    return write(mail, addressee, mail_id="1", base_url=BASE, token="t.o.k", facts=facts)


def named(full_name: str | None) -> Letter:
    return letter(addressee=Addressee("dora@example.com", "dora", full_name))


@pytest.mark.parametrize(
    "name",
    [
        "Visit http://evil.example",
        "evil.example",
        "www evil",
        "a/b",
        "mail me@evil.example",
        "x" * 61,
        "evil\u2024example:80",
        " \n\t ",
        "",
        None,
    ],
)
def test_a_name_that_could_be_a_link_is_not_shown(name: str | None) -> None:
    assert named(name).text.startswith("Hello dora,\n")
    assert "evil" not in named(name).html


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Dora\r\n\r\nYour account is closed", "Dora Your account is closed"),
        ("Dora\u2028B\u0085C\x0bD", "Dora B C D"),
        ("\u202eaora\u202c", "aora"),
        ("Dörte Ähnlich", "Dörte Ähnlich"),
        ("李小龍", "李小龍"),
        ("Dr. D. O'Ra", "Dr. D. O'Ra"),
    ],
)
def test_a_name_is_one_line(name: str, shown: str) -> None:
    assert named(name).text.startswith(f"Hello {shown},\n")


def test_markup_stays_text_in_html() -> None:
    made = named("<b>Dora</b> & {{ 7*7 }}")
    assert made.text.startswith("Hello dora,")
    made = named("<img src=x onerror=alert(1)> {{ 7*7 }}")
    assert "<img" not in made.html
    assert "&lt;img src=x onerror=alert(1)&gt; {{ 7*7 }}" in made.html


def test_a_user_agent_is_cut_in_one_line_without_scheme_or_markup() -> None:
    made = letter(user_agent="Go to https://evil.example\r\n<script>" + "x" * 300)
    assert "https://evil" not in made.text + made.html
    assert "<script>" not in made.html
    assert max(map(len, made.text.splitlines())) < 150


@pytest.mark.parametrize("mail", Mail)
def test_every_kind_has_a_subject_a_text_and_html_in_plain_words(mail: Mail) -> None:
    made = letter(mail, **FACTS)
    assert made.subject == SUBJECTS[mail]
    assert made.text.startswith("Hello dora,\n\n")
    assert made.html.startswith("<!doctype html>")
    assert "User agent: curl/8" in made.text
    assert "old@example.com" not in made.text + made.html
    assert "None" not in made.text + made.html
    assert "\n\n\n" not in made.text


@pytest.mark.parametrize("mail", PAGES)
def test_a_link_carries_its_token_where_no_server_sees_it(mail: Mail) -> None:
    made = letter(mail)
    assert f"{BASE}{PAGES[mail]}#token=t.o.k\n" in made.text
    assert f'href="{BASE}{PAGES[mail]}#token=t.o.k"' in made.html
    assert f"POST {BASE}/api/v1/" in made.text


@pytest.mark.parametrize("mail", [Mail.WELCOME, Mail.VERIFY, Mail.RESET_PASSWORD])
def test_the_text_says_what_a_program_sends(mail: Mail) -> None:
    assert '{"token": "t.o.k"' in letter(mail).text


@pytest.mark.parametrize("mail", [mail for mail in Mail if mail not in PAGES])
def test_a_mail_without_a_purpose_for_it_shows_no_token(mail: Mail) -> None:
    assert "t.o.k" not in letter(mail).text + letter(mail).html


def test_whom_it_welcomes_without_a_token_has_nothing_to_confirm() -> None:
    made = write(Mail.WELCOME, DORA, mail_id="1", base_url=BASE, token=None, facts={})
    assert "token" not in made.text + made.html


def test_a_lock_says_how_long_or_what_ends_it() -> None:
    assert "for 30 minutes" in letter(Mail.ACCOUNT_LOCKED, minutes=30).text
    assert "until you choose a new password" in letter(Mail.ACCOUNT_LOCKED, minutes=0).text


def test_somebody_whose_account_is_gone_is_greeted_too() -> None:
    made = letter(Mail.ACCOUNT_ERASED, Addressee("dora@example.com", ""))
    assert made.text.startswith("Hello there,\n\nYour account and everything")
