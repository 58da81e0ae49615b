"""The words of each mail, as text and as HTML, from `templates/`.

What people wrote of themselves reaches a mail only as one short line without a link: whoever registers with
somebody else's address must not be able to have us send their words there.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from app.core.mail import Letter
from app.core.templates import Templates
from app.outbox.mails import RECIPIENT, Mail
from app.users.mail_tokens import LIFETIME_MINUTES

SUBJECTS: Mapping[Mail, str] = {
    Mail.WELCOME: "Welcome to Precis",
    Mail.VERIFY: "Confirm your e-mail address",
    Mail.RESET_PASSWORD: "Choose a new password",
    Mail.PASSWORD_CHANGED: "Your password was changed",
    Mail.EMAIL_CHANGED: "Your e-mail address was changed",
    Mail.ACCOUNT_LOCKED: "Logins to your account were slowed down",
    Mail.TOKEN_REUSED: "A login of yours was ended",
    Mail.ACCOUNT_DEACTIVATED: "Your account was deactivated",
    Mail.ACCOUNT_ERASED: "Your account was erased",
    Mail.SECOND_FACTOR_CHANGED: "Your second factor was changed",
    Mail.PROVIDER_LINKED: "Another way to log in was added",
    Mail.LEAKED: "An API key of yours was revoked",
    Mail.INVITATION: "You are invited to an organisation",
    Mail.WEBHOOK_DISABLED: "A webhook of your organisation was switched off",
    Mail.QUOTA_WARNING: "Your organisation's plan is nearly used up",
}
# Where a link leads. A fragment: browsers send it to no server, so that the token stands in no access log.
PAGES: Mapping[Mail, str] = {
    Mail.WELCOME: "/app/verify",
    Mail.VERIFY: "/app/verify",
    Mail.RESET_PASSWORD: "/app/reset-password",
    Mail.INVITATION: "/app/join",
}
# Facts that are no lines of their own: they say where to, to whom, or stand in the words.
UNLISTED = frozenset({RECIPIENT, "username", "minutes"})
MAX_NAME_CHARACTERS = 60
MAX_FACT_CHARACTERS = 120

# What a mail program would make a link of, or a reader take for one.
_LINK = re.compile(r"[:/\\@]|\.\w|www", re.IGNORECASE)
_SCHEME = re.compile(r"\w*://|www\.", re.IGNORECASE)
_TEMPLATES = Templates("app.accounts")


@dataclass(frozen=True, slots=True)
class Addressee:
    """`full_name` only of somebody whose address is verified."""

    address: str
    username: str
    full_name: str | None = None


def write(
    mail: Mail,
    addressee: Addressee,
    *,
    mail_id: str,
    base_url: str,
    token: str | None,
    facts: Mapping[str, str | int],
) -> Letter:
    """`token` is what the mail's link carries, where it has one; `facts` are shown below the words."""
    values = {
        "subject": SUBJECTS[mail],
        "name": greeting(addressee),
        "username": addressee.username,
        "base_url": base_url,
        "token": token,
        "link": f"{base_url}{PAGES.get(mail, '')}#token={token}",
        "minutes": LIFETIME_MINUTES,
        "given": {"minutes": 0, **facts},
        "facts": [(label(name), shown(value)) for name, value in facts.items() if name not in UNLISTED],
    }
    text = _TEMPLATES.render(f"{mail}.txt", values)
    html = _TEMPLATES.render(f"{mail}.html", values)
    return Letter(mail_id, addressee.address, SUBJECTS[mail], text + "\n", html + "\n")


def greeting(addressee: Addressee) -> str:
    """The full name where it looks like one; else the user name, whose alphabet holds no surprise."""
    name = one_line(addressee.full_name or "")
    if not name or len(name) > MAX_NAME_CHARACTERS or _LINK.search(name):
        return addressee.username or "there"
    return name


def label(name: str) -> str:
    return one_line(name.replace("_", " ")).capitalize()


def shown(value: str | int) -> str:
    """A User-Agent is anybody's text: cut, in one line, and no link."""
    return _SCHEME.sub("", one_line(str(value)).replace("_", " "))[:MAX_FACT_CHARACTERS]


def one_line(text: str) -> str:
    """Controls, line breaks and characters that turn the writing's direction become spaces."""
    plain = (" " if unicodedata.category(character)[0] in "CZ" else character for character in text)
    return " ".join("".join(plain).split())
