"""Why a login by another provider is refused."""

from collections.abc import Mapping
from typing import ClassVar

from app.auth.errors import BEARER
from app.core.errors import ProblemError

BEGIN_AGAIN = "Begin again at GET /api/v1/auth/oauth/{provider}/authorize, in the same browser."


class OAuthStateError(ProblemError):
    code = "oauth_state_invalid"
    status = 400
    title = "The login cannot be continued"
    meaning = (
        "It was begun in another browser or for another provider, over 10 minutes ago, or is already over."
    )
    hint = BEGIN_AGAIN


class OAuthCodeError(ProblemError):
    code = "oauth_code_refused"
    status = 400
    title = "The provider does not accept the code"
    meaning = "The provider's code is missing, spent, expired, or was given for another login."
    hint = BEGIN_AGAIN


class OAuthDeniedError(ProblemError):
    code = "oauth_denied"
    status = 403
    title = "The login was cancelled at the provider"
    meaning = "The provider says that its user, or its administrator, did not consent."
    hint = "Begin again and consent, or log in another way."


class OAuthProviderError(ProblemError):
    code = "oauth_provider_failed"
    status = 502
    title = "The provider's answer is of no use"
    meaning = "The provider refused our request, or answered something that is not what its protocol demands."
    hint = "Log in another way; an operator must look at the provider's configuration."


class OAuthProofError(ProblemError):
    code = "oauth_proof_refused"
    status = 502
    title = "The provider's proof of identity was refused"
    meaning = (
        "The ID token was not signed by the provider, not made for this service and this login, or does not "
        "say that its user proved who they are lately (auth_time)."
    )
    hint = "Begin again; if it persists, an operator must look at the provider's configuration."


class OAuthUnavailableError(ProblemError):
    code = "oauth_provider_unavailable"
    status = 503
    title = "The provider does not answer"
    meaning = "The provider could not be reached, took too long, or says that it is out of order."
    hint = "Try again in a moment, or log in another way."
    retryable = True
    headers: ClassVar[Mapping[str, str]] = {"Retry-After": "10"}


class OAuthSecondFactorError(ProblemError):
    code = "oauth_second_factor_required"
    status = 401
    title = "A second factor is required"
    meaning = "The provider vouches for you, and this account also asks for a code of its authenticator app."
    hint = "Within 10 minutes and in this browser: POST /api/v1/auth/oauth/{provider}/second-factor."
    headers: ClassVar[Mapping[str, str]] = BEARER


class OAuthEmailError(ProblemError):
    code = "oauth_email_unverified"
    status = 403
    title = "The provider knows no verified e-mail address"
    meaning = (
        "A new account needs an address that the provider vouches for; any other could be somebody else's."
    )
    hint = "Verify your address at the provider, or register with a password and link the provider then."


class OAuthAccountExistsError(ProblemError):
    code = "oauth_account_exists"
    status = 409
    title = "An account with this e-mail address exists"
    meaning = (
        "It cannot be joined unasked: its address was never verified, a second factor guards it, it is "
        "staff's, or another account of this provider is linked to it."
    )
    hint = "Log in to it, or reset its password; then POST /api/v1/auth/oauth/{provider}/link."


class OAuthLinkUnverifiedError(ProblemError):
    code = "oauth_link_unverified"
    status = 403
    title = "The account's own address is not verified"
    meaning = (
        "Until it is, the account may have been made by somebody who only knew the address, and a provider "
        "linked by them would outlive them."
    )
    hint = "Verify the account's e-mail address, or link an account of the provider that has the same one."


class OAuthLinkTakenError(ProblemError):
    code = "oauth_link_taken"
    status = 409
    title = "That account is linked already"
    meaning = (
        "The provider's account belongs to another person here, or yours has one of this provider already."
    )
    hint = "Unlink the one that is there first."


class LastLoginError(ProblemError):
    code = "oauth_last_login"
    status = 409
    title = "The only way to log in"
    meaning = "The account has no password; without this provider nobody could log in to it any more."
    hint = "Set a password first: POST /api/v1/auth/forgot-password."
