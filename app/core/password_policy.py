"""What a new password must be. Every fault is told at once, so that nobody guesses rule by rule.

`compat` asks for 8 characters of four kinds, as most existing clients expect. `nist` follows NIST SP
800-63B-4: 15 characters, no composition rules. The other checks always hold.
"""

import re
import unicodedata
from collections.abc import Iterator

from app.core.breached_passwords import BreachedPasswords
from app.core.errors import FieldFault, ProblemError
from app.core.passwords import MAX_CODE_POINTS
from app.settings import PasswordPolicy

SERVICE_NAME = "precis"
# What must be left of a password without the names that an attacker knows.
MIN_OWN_CHARACTERS = 8
# What must be left when runs, sequences and repeats are counted once.
MIN_UNPREDICTABLE_CHARACTERS = 6

# A name of one or two letters occurs in any password by chance.
_MIN_NAME_CHARACTERS = 3
_MIN_SEQUENCE = 4
_SEQUENCES = ("abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm")
_REPEAT = re.compile(r"(.+?)\1{2,}|(.{3,}?)\2", re.DOTALL)
_BREACHED = BreachedPasswords.bundled()


_MIN_CHARACTERS = {PasswordPolicy.COMPAT: 8, PasswordPolicy.NIST: 15}


class WeakPasswordError(ProblemError):
    code = "weak_password"
    status = 422
    title = "The password is too weak"
    meaning = "The password breaks one or more rules; `errors` names each."
    hint = "Choose a longer password that appears in no list and holds no name of yours; a manager helps."


def check_policy(
    password: str,
    *,
    username: str,
    email: str,
    policy: PasswordPolicy,
    pointer: str = "/password",
) -> None:
    """Raise WeakPasswordError with all faults. `pointer` is where the password stands in the body."""
    names = (username, email.partition("@")[0], SERVICE_NAME)
    faults = [
        FieldFault(pointer, code, detail)
        for code, detail in _faults(unicodedata.normalize("NFC", password), names=names, policy=policy)
    ]
    if faults:
        raise WeakPasswordError(faults[0].detail, faults=faults)


def _faults(password: str, *, names: tuple[str, ...], policy: PasswordPolicy) -> Iterator[tuple[str, str]]:
    if len(password) > MAX_CODE_POINTS:
        # Nothing else is looked at: the other checks' cost grows with the length.
        yield "too_long", f"The password has more than {MAX_CODE_POINTS} characters."
        return
    if len(password) < _MIN_CHARACTERS[policy]:
        yield "too_short", f"The password has fewer than {_MIN_CHARACTERS[policy]} characters."
    if policy is PasswordPolicy.COMPAT:
        yield from _composition_faults(password)
    if password in _BREACHED:
        yield "breached", "The password is among those that attackers try first."
    if len(_without(password, names)) < min(MIN_OWN_CHARACTERS, len(password)):
        yield "contains_name", "Too little is left of the password without your names and the service's."
    if len(_condensed(password)) < min(MIN_UNPREDICTABLE_CHARACTERS, len(password)):
        yield "repetitive", "The password consists mostly of repetitions or sequences such as 1234."


def _composition_faults(password: str) -> Iterator[tuple[str, str]]:
    if not any(character.isupper() for character in password):
        yield "no_uppercase", "The password has no upper-case letter."
    if not any(character.islower() for character in password):
        yield "no_lowercase", "The password has no lower-case letter."
    if not any(character.isdecimal() for character in password):
        yield "no_digit", "The password has no digit."
    if all(character.isalnum() for character in password):
        yield "no_special", "The password has no special character (anything but letters and digits)."


def _without(password: str, names: tuple[str, ...]) -> str:
    rest = password.casefold()
    for name in sorted((name.casefold() for name in names), key=len, reverse=True):
        if len(name) >= _MIN_NAME_CHARACTERS:
            rest = rest.replace(name, "")
    return rest


def _condensed(password: str) -> str:
    """Return what is left to guess: aaaa and abcabc count once, 1234 and qwer as one character."""
    rest = password.casefold()
    for sequence in _SEQUENCES:
        rest = _without_runs(_without_runs(rest, sequence), sequence[::-1])
    return _REPEAT.sub(lambda match: match[1] or match[2], rest)


def _without_runs(text: str, sequence: str) -> str:
    """Replace each run of 4 or more neighbours of `sequence` by its first character."""
    for length in range(len(sequence), _MIN_SEQUENCE - 1, -1):
        for start in range(len(sequence) - length + 1):
            text = text.replace(sequence[start : start + length], sequence[start])
    return text
