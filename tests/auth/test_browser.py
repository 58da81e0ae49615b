"""A browser's login: cookies that no script reads and no other site can use."""

import asyncio
from http.cookies import Morsel, SimpleCookie

import pytest
from asgi_lifespan import LifespanManager
from fastapi import FastAPI
from httpx2 import ASGITransport, AsyncClient, Response
from sqlalchemy import select

from app.audit.models import AuditEntry
from app.core.db import Tenant
from app.core.ids import new_id
from app.settings import Settings
from tests.factories import PASSWORD, Person, Robot
from tests.fixtures import BASE_URL, make_app
from tests.refilling import passes_until_refused

pytestmark = pytest.mark.integration

LOGIN, REFRESH, LOGOUT = "/api/v1/auth/login", "/api/v1/auth/cookie/refresh", "/api/v1/auth/cookie/logout"
ME = "/api/v1/users/me"
OURS = {"Sec-Fetch-Site": "same-origin"}
FORM = {"username": "alice", "password": PASSWORD}
FOREIGN = [
    {},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "none"},
    {"Sec-Fetch-Site": "cross-site", "Origin": BASE_URL},
    {"Sec-Fetch-Site": "same-origin, cross-site"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": BASE_URL.replace("http:", "https:")},
    {"Origin": f"{BASE_URL}.evil.example"},
    {"Referer": BASE_URL},
]


def cookies_of(answer: Response) -> dict[str, Morsel[str]]:
    """Those of the session; the device is known by one of its own, which stays."""
    found: dict[str, Morsel[str]] = {}
    for header in answer.headers.get_list("set-cookie"):
        found.update(SimpleCookie(header))
    return {name: morsel for name, morsel in found.items() if name not in {"did", "__Host-did"}}


async def log_in(client: AsyncClient, **form: str) -> Response:
    return await client.post(LOGIN, headers=OURS, data={**FORM, **form})


async def code_of(client: AsyncClient, method: str, path: str, **headers: str) -> str:
    answer = await client.request(method, path, headers=headers)
    return str(answer.json().get("code", answer.status_code))


@pytest.mark.parametrize("headers", FOREIGN)
@pytest.mark.parametrize("path", [LOGIN, REFRESH, LOGOUT])
async def test_what_no_page_of_ours_sent_is_refused(
    client: AsyncClient, alice: Person, path: str, headers: dict[str, str]
) -> None:
    answer = await client.post(path, headers=headers, data={**FORM, "username": alice.username})
    assert (answer.status_code, answer.json()["code"]) == (403, "cross_site_request")
    assert "set-cookie" not in answer.headers


async def test_another_sites_attempts_do_not_count_against_the_limit(
    client: AsyncClient, alice: Person
) -> None:
    for _ in range(6):
        await client.post(LOGIN, headers={"Sec-Fetch-Site": "cross-site"}, data=FORM)
    assert (await log_in(client, username=alice.username)).status_code == 200


async def test_a_wrong_password_is_the_same_401_as_for_programs(client: AsyncClient, alice: Person) -> None:
    answer = await log_in(client, username=alice.username, password="Wrong-Horse-9-Battery")
    assert (answer.status_code, answer.json()["code"]) == (401, "login_failed")
    assert "set-cookie" not in answer.headers


async def test_both_doors_share_the_limit(client: AsyncClient, alice: Person) -> None:
    for _ in range(5):
        await client.post("/api/v1/auth/token", data={**FORM, "password": "Wrong-Horse-9-Battery"})
    assert (await log_in(client, username=alice.username)).status_code == 429


@pytest.mark.parametrize("headers", FOREIGN)
async def test_cookies_alone_do_not_write(
    client: AsyncClient, alice: Person, headers: dict[str, str]
) -> None:
    await log_in(client, username=alice.username)
    assert await code_of(client, "DELETE", f"{ME}/nothing", **headers) == "not_found"
    answer = await client.patch(ME, headers=headers, json={"full_name": "Mallory"})
    assert (answer.status_code, answer.json()["code"]) == (403, "cross_site_request")


@pytest.mark.parametrize("headers", [OURS, {"Origin": BASE_URL}])
async def test_cookies_write_for_a_page_of_ours(
    client: AsyncClient, alice: Person, headers: dict[str, str]
) -> None:
    await log_in(client, username=alice.username)
    answer = await client.patch(ME, headers=headers, json={"full_name": "Alice"})
    assert (answer.status_code, answer.json()["full_name"]) == (200, "Alice")


@pytest.mark.parametrize("headers", [{}, {"Sec-Fetch-Site": "none"}, OURS])
async def test_cookies_read(client: AsyncClient, alice: Person, headers: dict[str, str]) -> None:
    await log_in(client, username=alice.username)
    assert (await client.get(ME, headers=headers)).json()["username"] == alice.username


async def test_a_cookie_beside_a_header_is_ignored(
    client: AsyncClient, alice: Person, charlie: Person, robot: Robot
) -> None:
    await log_in(client, username=alice.username)
    assert (await client.get(ME, headers=charlie.headers)).json()["username"] == charlie.username
    assert await code_of(client, "GET", ME, Authorization="Bearer a.b.c") == "invalid_token"
    # A program's write needs no origin, whatever cookies lie beside its key.
    assert await code_of(client, "POST", "/api/v1/summaries", **robot.headers) == "validation_failed"


async def test_an_api_key_in_the_cookie_is_refused(client: AsyncClient, robot: Robot) -> None:
    client.cookies.set("access_token", robot.api_key)
    assert await code_of(client, "GET", ME) == "invalid_credential"


async def test_the_tokens_are_in_the_cookies_and_not_in_the_body(client: AsyncClient, alice: Person) -> None:
    answer = await log_in(client, username=alice.username)
    assert answer.json() == {"detail": "Logged in", "username": "alice"}
    cookies = cookies_of(answer)
    assert {"access_token", "refresh_token"} <= cookies.keys()
    assert all(morsel.value not in answer.text for morsel in cookies.values())
    assert all(morsel["httponly"] and morsel["samesite"] == "strict" for morsel in cookies.values())
    assert (cookies["access_token"]["path"], cookies["access_token"]["max-age"]) == ("/", "900")
    assert cookies["refresh_token"]["path"] == "/api/v1/auth"
    assert cookies["refresh_token"]["max-age"] == str(7 * 86_400)


async def test_over_https_the_names_keep_siblings_and_plain_http_out(
    settings: Settings, alice: Person
) -> None:
    public = settings.model_copy(update={"public_url": "https://precis.example"})
    app = await asyncio.to_thread(make_app, public)
    transport = ASGITransport(app=app)
    async with (
        LifespanManager(app),
        AsyncClient(transport=transport, base_url="https://precis.example") as client,
    ):
        answer = await client.post(LOGIN, headers={"Origin": "https://precis.example"}, data=FORM)
        assert (await client.get(ME)).json()["username"] == alice.username
    cookies = cookies_of(answer)
    assert {"__Host-access", "__Secure-refresh"} <= cookies.keys()
    assert all(morsel["secure"] and not morsel["domain"] for morsel in cookies.values())
    assert cookies["__Host-access"]["path"] == "/"


async def test_refreshing_sets_both_cookies_anew(client: AsyncClient, alice: Person) -> None:
    before = cookies_of(await log_in(client, username=alice.username))
    answer = await client.post(REFRESH, headers=OURS)
    after = cookies_of(answer)
    assert answer.json() == {"detail": "Refreshed", "username": "alice"}
    for name in ("access_token", "refresh_token"):
        assert after[name].value != before[name].value
    assert (await client.get(ME)).status_code == 200


async def test_a_spent_cookie_ends_the_session_and_is_taken_away(client: AsyncClient, alice: Person) -> None:
    spent = cookies_of(await log_in(client, username=alice.username))["refresh_token"].value
    await client.post(REFRESH, headers=OURS)
    current = client.cookies["refresh_token"]
    client.cookies.clear()
    answer = await client.post(REFRESH, headers={**OURS, "Cookie": f"refresh_token={spent}"})
    assert (answer.status_code, answer.json()["code"]) == (401, "token_reused")
    assert "reuse" in answer.json()["detail"]
    assert {morsel["max-age"] for morsel in cookies_of(answer).values()} == {"0"}
    thief = await client.post(REFRESH, headers={**OURS, "Cookie": f"refresh_token={current}"})
    assert thief.status_code == 401


@pytest.mark.parametrize("path", [REFRESH, LOGOUT])
@pytest.mark.parametrize("cookie", ["", "refresh_token=", "refresh_token=rt1_nonsense"])
async def test_without_a_good_cookie_there_is_nothing_to_refresh_or_end(
    client: AsyncClient, path: str, cookie: str
) -> None:
    answer = await client.post(path, headers={**OURS, "Cookie": cookie})
    assert answer.status_code == 401
    cleared = cookies_of(answer)
    assert cleared.keys() == {"access_token", "refresh_token"}
    assert all(not morsel.value and morsel["max-age"] == "0" for morsel in cleared.values())


async def test_a_genuine_cookie_of_a_session_that_is_deleted_ends_nothing(
    client: AsyncClient, app: FastAPI
) -> None:
    token = app.state.refresh_tokens.mint(new_id(), counter=0)
    answer = await client.post(LOGOUT, headers={**OURS, "Cookie": f"refresh_token={token}"})
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_refresh_token")
    assert cookies_of(answer).keys() == {"access_token", "refresh_token"}


async def test_logging_out_ends_the_session_everywhere(
    client: AsyncClient, app: FastAPI, alice: Person
) -> None:
    cookies = cookies_of(await log_in(client, username=alice.username))
    kept = f"refresh_token={cookies['refresh_token'].value}"
    answer = await client.post(LOGOUT, headers=OURS)
    assert answer.json() == {"detail": "Logged out", "username": "alice"}
    assert {morsel["max-age"] for morsel in cookies_of(answer).values()} == {"0"}
    assert not {"access_token", "refresh_token"} & set(client.cookies)
    bearer = {"Authorization": f"Bearer {cookies['access_token'].value}"}
    assert (await client.get(ME, headers=bearer)).status_code == 401
    assert (await client.post(REFRESH, headers={**OURS, "Cookie": kept})).status_code == 401
    async with app.state.database.transaction(Tenant(alice.organization_id)) as session:
        entries = select(AuditEntry.details).where(AuditEntry.action == "logout")
        assert list(await session.scalars(entries)) == [{"reason": "logout", "browser": True}]


async def test_logging_out_twice_is_no_error(client: AsyncClient, alice: Person) -> None:
    token = cookies_of(await log_in(client, username=alice.username))["refresh_token"].value
    headers = {**OURS, "Cookie": f"refresh_token={token}"}
    assert [(await client.post(LOGOUT, headers=headers)).status_code for _ in range(2)] == [200, 200]


async def test_logging_in_again_ends_the_browsers_former_session(client: AsyncClient, alice: Person) -> None:
    former = cookies_of(await log_in(client, username=alice.username))["access_token"].value
    assert (await log_in(client, username=alice.username)).status_code == 200
    assert (await client.get(ME, headers={"Authorization": f"Bearer {former}"})).status_code == 401
    assert (await client.get(ME)).status_code == 200
    # Sessions elsewhere go on.
    assert (await client.get(ME, headers=alice.headers)).status_code == 200


async def test_a_nonsensical_cookie_does_not_keep_anybody_out(client: AsyncClient, alice: Person) -> None:
    client.cookies.set("refresh_token", "rt1_nonsense", path="/api/v1/auth")
    assert (await log_in(client, username=alice.username)).status_code == 200


async def test_refreshing_is_limited_per_session(client: AsyncClient, alice: Person) -> None:
    await log_in(client, username=alice.username)

    async def is_refused() -> bool:
        status = (await client.post(REFRESH, headers=OURS)).status_code
        assert status in {200, 429}
        return status == 429

    await passes_until_refused(is_refused, limit=30)


async def test_two_tabs_that_refresh_at_once_both_stay_logged_in(client: AsyncClient, alice: Person) -> None:
    await log_in(client, username=alice.username)
    cookie = f"refresh_token={client.cookies['refresh_token']}"
    headers = {**OURS, "Cookie": cookie}
    answers = await asyncio.gather(*(client.post(REFRESH, headers=headers) for _ in range(5)))
    assert [answer.status_code for answer in answers] == [200] * 5
    assert len({cookies_of(answer)["refresh_token"].value for answer in answers}) == 1
