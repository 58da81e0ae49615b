"""What can go wrong with webhooks, as the API says it."""

from app.core.errors import ProblemError
from app.webhooks.vocabulary import MAX_WEBHOOKS


class WebhookNotFoundError(ProblemError):
    code = "webhook_not_found"
    status = 404
    title = "Webhook not found"
    meaning = "No webhook of your organisation has this id."
    hint = "GET /api/v1/webhooks lists them."


class DeliveryNotFoundError(ProblemError):
    code = "delivery_not_found"
    status = 404
    title = "Delivery not found"
    meaning = "No delivery of this webhook has this id, or it is older than 30 days."
    hint = "GET /api/v1/webhooks/{id}/deliveries lists them."


class WebhookDisabledError(ProblemError):
    code = "webhook_disabled"
    status = 409
    title = "The webhook is disabled"
    meaning = "Nothing is sent to a disabled webhook."
    hint = 'Enable it first: PATCH it with {"enabled": true}.'


class TooManyWebhooksError(ProblemError):
    code = "too_many_webhooks"
    status = 409
    title = "Too many webhooks"
    meaning = f"An organisation has at most {MAX_WEBHOOKS} webhooks."
    hint = "Delete one that is not needed any more, or let one receive more events."
