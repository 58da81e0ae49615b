"""Why an API key is refused, or cannot be made."""

from app.core.errors import ProblemError


class ApiKeyNotFoundError(ProblemError):
    code = "api_key_not_found"
    status = 404
    title = "API key not found"
    meaning = "No key of yours in this organisation has this id."


class KeyCannotManageKeysError(ProblemError):
    code = "key_cannot_manage_keys"
    status = 403
    title = "An API key cannot make or change API keys"
    meaning = "A leaked key must not be able to outlive its revocation, so only a person manages keys."
    hint = "Log in and use the access token."


class ScopeNotGrantableError(ProblemError):
    code = "scope_not_grantable"
    status = 403
    title = "A scope that you do not have, or that no key may have"
    meaning = "A key never gets more than its maker has; never profile:write, keys:write or staff scopes."
    hint = "Leave the scope out; GET /api/v1/users/me and your token's `scope` show what you have."


class ApiKeySupersededError(ProblemError):
    code = "api_key_superseded"
    status = 409
    title = "The API key was rotated already"
    meaning = "Another key stands in its place; this one only runs out."
    hint = "Change or rotate the key that `superseded_by` names."


class TooManyApiKeysError(ProblemError):
    code = "too_many_api_keys"
    status = 409
    title = "Too many API keys"
    meaning = "A person has at most as many living keys, over all organisations, as the plan allows: 50."
    hint = "Delete keys that are no longer used."
