"""One row for every tenant's table, as plain SQL: `:organization_id`, `:user_id` and `:id` are given."""

ADD_SUMMARY = """
INSERT INTO summaries (id, organization_id, user_id, status, attempt, version, visibility, source, key_points,
    keywords, sentences, low_content, engine, options, tags, stages)
VALUES (:id, :organization_id, :user_id, 'queued', 0, 1, 'private', 'text', '{}', '{}', '[]', false,
    'extractive', '{}', '{}', '{}')
"""
ADD_CONTENT = "INSERT INTO summary_contents (summary_id, organization_id) VALUES (:id, :organization_id)"
ADD_ORGANIZATION = (
    "INSERT INTO organizations (id, name, is_personal, plan) VALUES (:organization_id, 'x', false, 'free')"
)
ADD_MEMBERSHIP = (
    "INSERT INTO memberships (organization_id, user_id, role) VALUES (:organization_id, :user_id, 'owner')"
)
ADD_SESSION = """
INSERT INTO auth_sessions
    (id, organization_id, user_id, counter, scopes, idle_expires_at, absolute_expires_at)
VALUES (:id, :organization_id, :user_id, 0, '{}', now(), now())
"""
ADD_KEY = """
INSERT INTO api_keys (id, organization_id, user_id, name, prefix, digest, scopes, expires_at)
VALUES (:id, :organization_id, :user_id, 'k', 'prc_live_', '\\x00', '{}', now())
"""
ADD_ENTRY = """
INSERT INTO audit_entries (id, organization_id, action, actor_kind, details)
VALUES (:id, :organization_id, 'logout', 'user', '{}')
"""
ADD_SEAL = """
INSERT INTO audit_seals (organization_id, seq, entry_id, prev_hash, hash, mac)
VALUES (:organization_id, 1000, :id, '', '', '')
"""
ADD_HEAD = """
INSERT INTO audit_heads (organization_id, seq, hash, checkpointed, mac)
VALUES (:organization_id, 1, '', 0, '')
"""
ADD_CHECKPOINT = """
INSERT INTO audit_checkpoints (organization_id, seq, previous, hash, mac)
VALUES (:organization_id, 1000, 0, '', '')
"""
ADD_INVITATION = """
INSERT INTO invitations (id, organization_id, email, role, expires_at)
VALUES (:id, :organization_id, 'x@example.com', 'member', now())
"""
ADD_MONTH = "INSERT INTO usage_months VALUES (:organization_id, '2025-01-01', 1)"
ADD_DAY = "INSERT INTO usage_days VALUES (:organization_id, '2025-01-01', :user_id, :id, 1)"
ADD_STORAGE = "INSERT INTO usage_storage VALUES (:organization_id, 1)"
ADD_ANSWER = """
INSERT INTO idempotency_keys
    (organization_id, principal_id, route, key_digest, user_id, fingerprint, answer)
VALUES (:organization_id, :user_id, '/', '', :user_id, '', '')
"""
ADD_VERSION = """
INSERT INTO summary_versions (organization_id, summary_id, number, summary, key_points, sentences,
    low_content, engine, options, text)
VALUES (:organization_id, :id, 1, 'x', '{}', '[]', false, 'extractive', '{}', 'x')
"""
ADD_SHARE = """
INSERT INTO summary_shares (summary_id, organization_id, nonce, digest)
VALUES (:id, :organization_id, '', uuid_send(:id))
"""
ADD_FEED = """
INSERT INTO summary_feeds (id, organization_id, user_id, digest)
VALUES (:id, :organization_id, :user_id, uuid_send(:id))
"""
ADD_WEBHOOK = """
INSERT INTO webhooks (id, organization_id, kind, events, version, failures)
VALUES (:id, :organization_id, 'endpoint', '{}', 1, 0)
"""
ADD_DELIVERY = """
INSERT INTO webhook_deliveries (id, organization_id, webhook_id, event, payload)
VALUES (:id, :organization_id, :id, 'webhook.test', '{}')
"""
ADD_TALLY = """
INSERT INTO shelf_tallies (organization_id, reader, archived, outcome, favourite, many)
VALUES (:organization_id, :user_id, false, 'none', false, 1)
"""
WRITES = {
    "idempotency_keys": ADD_ANSWER,
    "summaries": ADD_SUMMARY,
    "summary_contents": ADD_CONTENT,
    "summary_versions": ADD_VERSION,
    "organizations": ADD_ORGANIZATION,
    "memberships": ADD_MEMBERSHIP,
    "auth_sessions": ADD_SESSION,
    "api_keys": ADD_KEY,
    "audit_entries": ADD_ENTRY,
    "audit_seals": ADD_SEAL,
    "audit_heads": ADD_HEAD,
    "audit_checkpoints": ADD_CHECKPOINT,
    "invitations": ADD_INVITATION,
    "summary_shares": ADD_SHARE,
    "summary_feeds": ADD_FEED,
    "webhooks": ADD_WEBHOOK,
    "webhook_deliveries": ADD_DELIVERY,
    "usage_months": ADD_MONTH,
    "usage_days": ADD_DAY,
    "usage_storage": ADD_STORAGE,
    "shelf_tallies": ADD_TALLY,
}
