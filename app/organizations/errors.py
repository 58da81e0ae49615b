"""Why something about an organisation, its members or its invitations is refused."""

from app.core.errors import ProblemError


class OrganizationNotFoundError(ProblemError):
    code = "organization_not_found"
    status = 404
    title = "Organisation not found"
    meaning = "No organisation of yours has this id."
    hint = "GET /api/v1/organizations lists yours."


class WrongOrganizationError(ProblemError):
    code = "wrong_organization"
    status = 403
    title = "The credential is bound to another organisation"
    meaning = "You belong to this organisation, but a credential acts in one organisation only."
    hint = "POST /api/v1/auth/switch gives a token for this one."


class PersonalOrganizationError(ProblemError):
    code = "personal_organization"
    status = 409
    title = "A personal organisation stays with its person"
    meaning = "It came with the account and goes with it: nobody else joins it."
    hint = "Make another organisation with POST /api/v1/organizations."


class RoleNotManageableError(ProblemError):
    code = "role_not_manageable"
    status = 403
    title = "Your role does not manage this one"
    meaning = "Owners manage every role; admins manage members and viewers."
    hint = "Ask an owner."


class OwnerNeededError(ProblemError):
    code = "owner_needed"
    status = 403
    title = "Only an owner does this"
    meaning = "An organisation is deleted, restored and handed over by its owners."
    hint = "Ask an owner."


class LastOwnerError(ProblemError):
    code = "last_owner"
    status = 409
    title = "The organisation would have no owner"
    meaning = "The last owner of an organisation with other members cannot leave, be demoted or be deleted."
    hint = "Make another member owner first, or remove the others."


class MemberNotFoundError(ProblemError):
    code = "member_not_found"
    status = 404
    title = "Member not found"
    meaning = "Nobody in this organisation has this id."


class AddressNotVerifiedError(ProblemError):
    code = "address_not_verified"
    status = 403
    title = "Confirm your e-mail address first"
    meaning = "An invitation is for whoever reads the address, which an account proves by confirming it."
    hint = "Open the link in your welcome mail, or ask for another one at POST /api/v1/users/verify-request."


class AlreadyMemberError(ProblemError):
    code = "already_member"
    status = 409
    title = "Already a member"
    meaning = "This person belongs to the organisation already."


class TooManyMembersError(ProblemError):
    code = "too_many_members"
    status = 409
    title = "The plan has no room for another member"
    meaning = "Members and open invitations together reach what the organisation's plan allows."
    hint = "Remove somebody, withdraw an invitation, or choose a larger plan."


class TooManyOrganizationsError(ProblemError):
    code = "too_many_organizations"
    status = 409
    title = "Too many organisations"
    meaning = "A person owns at most 20 organisations."
    hint = "Delete one that is no longer used."


class InvitationNotFoundError(ProblemError):
    code = "invitation_not_found"
    status = 404
    title = "Invitation not found"
    meaning = (
        "There is no such open invitation: it was used, withdrawn, has expired, or is for another address."
    )
    hint = "Ask for a new one, and accept it as the person whose address was invited."


class InvitationExistsError(ProblemError):
    code = "invitation_exists"
    status = 409
    title = "Already invited"
    meaning = "An open invitation for this address exists."
    hint = "Withdraw it to send another one."
