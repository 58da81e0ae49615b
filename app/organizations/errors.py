"""What an organisation does not survive."""

from app.core.errors import ProblemError


class LastOwnerError(ProblemError):
    code = "last_owner"
    status = 409
    title = "The organisation would have no owner"
    meaning = "The last owner of an organisation with other members cannot leave, be demoted or be deleted."
    hint = "Make another member owner first, or remove the others."
