"""What can go wrong with watching, cancelling and trying again."""

from app.core.errors import ProblemError


class SummaryFinishedError(ProblemError):
    code = "summary_finished"
    status = 409
    title = "The summary is finished already"
    meaning = "Only a summary that waits or is being worked on can be cancelled."
    hint = "Read its status; DELETE moves it to the trash."


class TooManyStreamsError(ProblemError):
    code = "too_many_streams"
    status = 429
    title = "You have too many streams open"
    meaning = "A person may watch so many streams at once; others of yours are still open."
    hint = "Close some, or watch several summaries through one WebSocket (/ws/summaries)."
    retryable = True
    headers = {"Retry-After": "30"}  # noqa: RUF012  # read-only by its declared type


class StreamsFullError(ProblemError):
    code = "streams_full"
    status = 503
    title = "No room for another stream"
    meaning = "This process serves as many streams as it may, or is about to stop."
    hint = "Try again after the seconds in Retry-After, or read the summary's status."
    retryable = True
    headers = {"Retry-After": "5"}  # noqa: RUF012  # as above
