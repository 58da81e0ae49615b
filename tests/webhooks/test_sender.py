"""One try: whatever the other side does, it ends in time and says how."""

import pytest

from app.reading.fetch import FetcherOptions
from app.webhooks.sender import KEPT_CHARACTERS, Sender
from app.webhooks.vocabulary import DeliveryFailure
from tests.reading.names import FixedNames
from tests.reading.origin import serve_refusals
from tests.webhooks.conftest import QUICK
from tests.webhooks.receiver import Receiver

pytestmark = pytest.mark.integration
HEADERS = {"webhook-id": "1"}


@pytest.mark.parametrize(
    ("path", "failure", "status"),
    [
        ("/404", "http_status", 404),
        ("/500", "http_status", 500),
        ("/410", "gone", 410),
        ("/redirect", "redirect", 302),
        ("/hang", "timeout", None),
        ("/trickle", "timeout", None),
        ("/trickled-headers", "timeout", None),
        ("/header-flood", "invalid_response", None),
        ("/reset", "connect", None),
        ("/hang-up", "invalid_response", None),
        ("/garbage", "invalid_response", None),
    ],
)
async def test_what_is_no_2xx_in_time_is_a_failure(
    sender: Sender, receiver: Receiver, path: str, failure: str, status: int | None
) -> None:
    outcome = await sender.post(receiver.url(path), "{}", HEADERS)
    assert (outcome.failure, outcome.status) == (failure, status)
    assert outcome.milliseconds < 5000
    assert [request.path for request in receiver.received] == [path]


@pytest.mark.parametrize("path", ["/gigabytes", "/tiny-chunks"])
async def test_of_a_long_answer_only_the_beginning_is_read(receiver: Receiver, path: str) -> None:
    sender = Sender(FixedNames({}), FetcherOptions("x", allow_hosts=receiver.allowed))
    outcome = await sender.post(receiver.url(path), "{}", HEADERS)
    assert (outcome.failure, outcome.status) == (None, 200)
    assert outcome.body is not None
    assert len(outcome.body) == KEPT_CHARACTERS
    assert "\x00" not in outcome.body


async def test_an_answer_is_kept_as_text_that_the_database_can_hold(
    sender: Sender, receiver: Receiver
) -> None:
    outcome = await sender.post(receiver.url("/500"), "{}", HEADERS)
    assert outcome.body == "a\ufffdb \ufffd"


@pytest.mark.parametrize(
    "url",
    [
        "https://inside.example.com/hook",
        "https://127.0.0.1/hook",
        "https://[::1]:8443/",
        "https://169.254.169.254/latest",
        "http://example.com/plain",
        "https://user:pass@example.com/",
    ],
)
async def test_what_is_not_public_is_never_connected_to(sender: Sender, url: str) -> None:
    outcome = await sender.post(url, "{}", HEADERS)
    assert (outcome.failure, outcome.status) == (DeliveryFailure.BLOCKED_ADDRESS, None)


async def test_a_name_that_turns_private_is_refused_at_that_try(receiver: Receiver) -> None:
    """Checked where the connection opens: what it resolved to before says nothing."""
    names = FixedNames({"rebinding.example.com": [["192.0.2.1"], ["127.0.0.1"]]})
    sender = Sender(names, FetcherOptions("x"), limits=QUICK)
    for _ in range(2):
        outcome = await sender.post("https://rebinding.example.com/", "{}", HEADERS)
        assert outcome.failure is DeliveryFailure.BLOCKED_ADDRESS
    assert (len(names.asked), receiver.received) == (2, [])


async def test_an_unknown_name_is_a_failure_of_dns(sender: Sender) -> None:
    outcome = await sender.post("https://nowhere.example.com/", "{}", HEADERS)
    assert outcome.failure is DeliveryFailure.DNS


async def test_a_server_that_speaks_no_tls_is_a_failure_of_tls() -> None:
    async with serve_refusals(b"SSH-2.0-x\r\n") as origin:
        sender = Sender(FixedNames({}), FetcherOptions("x", allow_hosts=origin.allowed), limits=QUICK)
        outcome = await sender.post(origin.url("/").replace("http:", "https:"), "{}", HEADERS)
    assert outcome.failure is DeliveryFailure.TLS


async def test_the_payload_arrives_as_it_is_and_on_a_connection_of_its_own(
    sender: Sender, receiver: Receiver
) -> None:
    outcome = await sender.post(receiver.url("/hook?a=b"), '{"a": "ä"}', HEADERS)
    (request,) = receiver.received
    assert (outcome.failure, outcome.status, outcome.body) == (None, 200, "thanks")
    assert (request.path, request.body) == ("/hook?a=b", '{"a": "ä"}'.encode())
    assert request.headers["connection"] == "close"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["user-agent"] == "Precis-Webhooks/test"
    assert not {"cookie", "authorization"} & set(request.headers)
