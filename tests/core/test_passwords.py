"""Hashing and verifying: equal work for everyone, a bounded queue, old hashes replaced."""

import asyncio
import unicodedata
from collections.abc import Iterator

import bcrypt
import pytest
from argon2 import PasswordHasher
from structlog.testing import capture_logs

from app.core.errors import UnavailableError
from app.core.passwords import MAX_CODE_POINTS, Passwords, Verified

pytestmark = pytest.mark.unit

PASSWORD = "Tr0ub4dor&3 and friends"
WRONG = Verified(ok=False)


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    """Made as at a process's start, outside the event loop: passlib looks for its backends on disk."""
    service = Passwords(threads=1, max_pending=4)
    yield service
    asyncio.run(service.aclose())


def old_bcrypt(password: str) -> str:
    return bcrypt.hashpw(password.encode()[:72], bcrypt.gensalt(4)).decode()


async def test_wrong_password_is_refused(passwords: Passwords) -> None:
    hashed = await passwords.hash(PASSWORD)
    for wrong in ["", PASSWORD.lower(), PASSWORD + " ", PASSWORD[:-1], "\ud800", "x" * 10_000]:
        assert await passwords.verify(wrong, hashed) == WRONG


async def test_unknown_user_is_refused_whatever_the_password(passwords: Passwords) -> None:
    assert await passwords.verify(PASSWORD, None) == WRONG


@pytest.mark.parametrize(
    "hashed", ["", "!", "plain", "$argon2id$garbage", "$2b$04$short", "$2b$04$" + "é" * 53, "$1$abc$def"]
)
async def test_unreadable_hash_is_refused_and_logged_without_the_hash(
    passwords: Passwords, hashed: str
) -> None:
    with capture_logs() as logs:
        assert await passwords.verify(PASSWORD, hashed) == WRONG
    assert [log["event"] for log in logs] == ["password_hash_unreadable"]
    assert not hashed or hashed not in str(logs)


async def test_password_cut_at_the_limit_is_not_the_password(passwords: Passwords) -> None:
    longest = "ab" * (MAX_CODE_POINTS // 2)
    hashed = await passwords.hash(longest)
    assert (await passwords.verify(longest, hashed)).ok
    assert await passwords.verify(longest + "c", hashed) == WRONG


async def test_password_beyond_the_limit_is_not_hashed(passwords: Passwords) -> None:
    with pytest.raises(ValueError, match="128"):
        await passwords.hash("a" * (MAX_CODE_POINTS + 1))


async def test_full_queue_refuses_at_once_and_recovers(passwords: Passwords) -> None:
    asked = await asyncio.gather(
        *(passwords.verify(PASSWORD, None) for _ in range(9)), return_exceptions=True
    )
    refused = [answer for answer in asked if isinstance(answer, UnavailableError)]
    assert len(refused) == 5
    assert refused[0].public_headers["Retry-After"]
    assert await passwords.verify(PASSWORD, None) == WRONG


async def test_cancelled_callers_give_their_places_back(passwords: Passwords) -> None:
    tasks = [asyncio.create_task(passwords.hash(PASSWORD)) for _ in range(4)]
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    # The one that had started runs to its end; the only thread takes this after it.
    assert await passwords.verify(PASSWORD, None) == WRONG
    answers = await asyncio.gather(*(passwords.verify(PASSWORD, None) for _ in range(4)))
    assert answers == [WRONG] * 4


async def test_event_loop_keeps_running_while_passwords_are_hashed(passwords: Passwords) -> None:
    ticks = 0
    hashing = asyncio.create_task(passwords.hash(PASSWORD))
    while not hashing.done():
        await asyncio.sleep(0.001)
        ticks += 1
    assert ticks >= 3


async def test_hash_is_argon2id_at_owasp_floor(passwords: Passwords) -> None:
    hashed = await passwords.hash(PASSWORD)
    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await passwords.verify(PASSWORD, hashed) == Verified(ok=True)
    assert await passwords.hash(PASSWORD) != hashed


async def test_both_unicode_spellings_of_a_letter_are_one_password(passwords: Passwords) -> None:
    hashed = await passwords.hash("caf\u00e9 Passwort 1!")
    assert (await passwords.verify("cafe\u0301 Passwort 1!", hashed)).ok


async def test_length_is_counted_after_composing_as_the_policy_does(passwords: Passwords) -> None:
    decomposed = "Aa1!" + "e\u0301" * (MAX_CODE_POINTS - 4)
    hashed = await passwords.hash(decomposed)
    assert (await passwords.verify(unicodedata.normalize("NFC", decomposed), hashed)).ok


@pytest.mark.parametrize("ident", ["$2a$", "$2b$", "$2y$"])
async def test_bcrypt_hash_verifies_and_is_replaced(passwords: Passwords, ident: str) -> None:
    verified = await passwords.verify(PASSWORD, old_bcrypt(PASSWORD).replace("$2b$", ident))
    assert verified.ok
    assert verified.replacement_hash
    assert await passwords.verify(PASSWORD, verified.replacement_hash) == Verified(ok=True)


async def test_bcrypt_hash_of_a_long_password_still_verifies(passwords: Passwords) -> None:
    long = "long " * 20
    verified = await passwords.verify(long, old_bcrypt(long))
    assert verified.replacement_hash
    assert (await passwords.verify(long, verified.replacement_hash)).ok
    assert await passwords.verify(long[:72], verified.replacement_hash) == WRONG


async def test_wrong_password_replaces_no_hash(passwords: Passwords) -> None:
    assert await passwords.verify("wrong", old_bcrypt(PASSWORD)) == WRONG


async def test_weaker_argon2_hash_is_replaced(passwords: Passwords) -> None:
    weaker = PasswordHasher(memory_cost=8, time_cost=1, parallelism=1).hash(PASSWORD)
    assert (await passwords.verify(PASSWORD, weaker)).replacement_hash


async def test_threads_default_to_the_cores_but_one() -> None:
    service = await asyncio.to_thread(Passwords)
    assert await service.verify(PASSWORD, None) == WRONG
    await service.aclose()
