"""Why a reading failed: the closed list of reasons that the API publishes, each with what to do about it."""

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    DNS = "dns"
    CONNECT = "connect"
    TIMEOUT = "timeout"
    TLS = "tls"
    HTTP_STATUS = "http_status"
    TOO_LARGE = "too_large"
    UNSUPPORTED_TYPE = "unsupported_type"
    BLOCKED_ADDRESS = "blocked_address"
    TOO_MANY_REDIRECTS = "too_many_redirects"
    ROBOTS_DISALLOWED = "robots_disallowed"
    EMPTY_EXTRACTION = "empty_extraction"
    TOO_SHORT = "too_short"
    PROVIDER_ERROR = "provider_error"
    CANCELLED = "cancelled"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class Advice:
    hint: str
    retryable: bool


ADVICE: dict[Reason, Advice] = {
    Reason.DNS: Advice(
        "The host name could not be resolved. Check its spelling, or try again later.", retryable=True
    ),
    Reason.CONNECT: Advice(
        "The connection failed or broke off before the page was complete. Try again later.", retryable=True
    ),
    Reason.TIMEOUT: Advice(
        "The page took too long to arrive or to be read. Try again later.", retryable=True
    ),
    Reason.TLS: Advice(
        "The site's certificate or encryption could not be verified. Its owner has to mend that.",
        retryable=False,
    ),
    Reason.HTTP_STATUS: Advice(
        "The site answered with an error. Open the address in a browser and check that it needs no login.",
        retryable=True,
    ),
    Reason.TOO_LARGE: Advice(
        "The page is larger than we read (5 MiB). Send the part that matters as text.", retryable=False
    ),
    Reason.UNSUPPORTED_TYPE: Advice(
        "Only web pages, plain text and readable PDF and Word documents can be summarised.", retryable=False
    ),
    Reason.BLOCKED_ADDRESS: Advice(
        "The address does not lead to a public web server. Use a public address, or send the text.",
        retryable=False,
    ),
    Reason.TOO_MANY_REDIRECTS: Advice(
        "The address was redirected too often, or to where we may not follow. Send the final address.",
        retryable=False,
    ),
    Reason.ROBOTS_DISALLOWED: Advice(
        "The site asks programs not to read this page. Send the text instead.", retryable=False
    ),
    Reason.EMPTY_EXTRACTION: Advice(
        "No words were found. If it is a page, it may need JavaScript or a login: send its text instead.",
        retryable=False,
    ),
    Reason.TOO_SHORT: Advice("There are under 20 words: too few for a summary.", retryable=False),
    Reason.PROVIDER_ERROR: Advice(
        "The language model gave no usable answer. Try again later.", retryable=True
    ),
    Reason.CANCELLED: Advice("The summary was cancelled. Start it again with retry.", retryable=True),
    Reason.INTERNAL: Advice("Something failed on our side. Try again later.", retryable=True),
}


class ReadingError(Exception):
    """A reading that ended in one of the published reasons.

    `reason`, `hint` and `retryable` are public. `internal` is for the log only: addresses, errno and
    library texts in a public answer would tell a prober what stands behind our network.
    """

    def __init__(self, reason: Reason, internal: str = "", *, retryable: bool | None = None) -> None:
        super().__init__(reason, internal)
        advice = ADVICE[reason]
        self.reason = reason
        self.internal = internal
        self.hint = advice.hint
        self.retryable = advice.retryable if retryable is None else retryable
