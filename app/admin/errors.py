"""Why something that staff ask for is refused."""

from app.core.errors import ProblemError


class UserNotFoundError(ProblemError):
    code = "user_not_found"
    status = 404
    title = "User not found"
    meaning = "Nobody has this id."
    hint = "GET /api/v1/admin/users finds people by the beginning of their name or address."


class OwnAccountError(ProblemError):
    code = "own_account"
    status = 400
    title = "Not your own account"
    meaning = "Staff change other people's accounts; their own, another one does."
    hint = "Ask a colleague, or use the routes under /api/v1/users/me."


class ProtectedAccountError(ProblemError):
    code = "protected_account"
    status = 403
    title = "The account is not managed here"
    meaning = "A super_admin is made and changed by the command line only; nobody acts in the name of staff."
    hint = "An operator can: `precis staff create` and `precis staff set-role`."


class JobNotFoundError(ProblemError):
    code = "job_not_found"
    status = 404
    title = "Job not found"
    meaning = "No job has this id; finished ones are forgotten after a day, failed ones after a month."


class JobNotFailedError(ProblemError):
    code = "job_not_failed"
    status = 409
    title = "The job has not failed"
    meaning = "Only a job that was given up can be tried again."


class JobAlreadyWaitingError(ProblemError):
    code = "job_already_waiting"
    status = 409
    title = "The same work waits already"
    meaning = "Another job for the same object is in the queue, and does what this one would."


class SupportForbiddenError(ProblemError):
    code = "support_forbidden"
    status = 403
    title = "The organisation forbids support access"
    meaning = "Its owners or admins do not want staff to act in the name of its members."
    hint = "They can allow it: PATCH /api/v1/organizations/{organization_id} with support_access."
