"""A key is claimed and a summary taken in by one statement, which is a transaction of its own.

The functions of 0019 and 0035 stay: processes of the former release call the one, this one the other.
"""

from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

# As that of 0019, and since when the answer is kept.
CLAIM = """
CREATE FUNCTION claim_key(
    tenant uuid, person uuid, principal uuid, path text, digest bytea, lock bigint)
RETURNS TABLE (is_locked boolean, fingerprint bytea, answer bytea, kept_at timestamptz)
LANGUAGE plpgsql VOLATILE SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM set_config('app.organization_id', tenant::text, true), set_config('app.user_id', person::text, true);
    is_locked := pg_try_advisory_xact_lock(lock);
    SELECT k.fingerprint, k.answer, k.created_at INTO fingerprint, answer, kept_at FROM idempotency_keys k
    WHERE k.organization_id = tenant AND k.principal_id = principal AND k.route = path
      AND k.key_digest = digest AND k.created_at > now() - interval '24 hours';
    RETURN NEXT;
END $$
"""  # noqa: E501  # SQL reads better unbroken

# `began` is NULL, and nothing is done, where the key has an answer or another request holds it. There is no
# row, and nothing is done, where more would have to be: the quota or the storage is spent, or its owners are
# to be told that it nearly is (at the numbers of `noticed`). The caller then goes the long way. It is undone
# by the block, whose error is nobody's: raised as far as the client it would stand in the server's log.
TAKE_IN = """
CREATE FUNCTION take_in_summary(
    told_tenant text, told_person text, new_summary jsonb, new_input text, new_document bytea, new_name text, new_type text,
    queue text, task text, job_args jsonb, backlog_counted integer, backlog_per_step integer,
    today date, api_key uuid, quota integer, storage bigint, noticed integer[],
    principal uuid, path text, digest bytea, print bytea, sealed bytea, lock bigint)
RETURNS TABLE (began timestamptz, is_locked boolean, fingerprint bytea, answer bytea, kept_at timestamptz)
LANGUAGE plpgsql VOLATILE SET search_path = public, pg_temp
AS $$
DECLARE
    taken record;
BEGIN
    is_locked := true;
    IF sealed IS NOT NULL THEN
        SELECT c.is_locked, c.fingerprint, c.answer, c.kept_at INTO is_locked, fingerprint, answer, kept_at
        FROM claim_key(told_tenant::uuid, told_person::uuid, principal, path, digest, lock) AS c;
        IF answer IS NOT NULL OR NOT is_locked THEN
            RETURN NEXT;
            RETURN;
        END IF;
    END IF;
    SELECT s.number, s.stored_bytes, s.began INTO taken FROM submit_summary(
        told_tenant, told_person, new_summary, new_input, new_document, new_name, new_type,
        queue, task, job_args, backlog_counted, backlog_per_step,
        today, api_key, quota, principal, path, digest, print, sealed) AS s;
    IF taken.number IS NULL OR taken.number = ANY (noticed) OR taken.stored_bytes >= storage THEN
        RAISE SQLSTATE 'PR001';
    END IF;
    began := taken.began;
    RETURN NEXT;
EXCEPTION WHEN SQLSTATE 'PR001' THEN
    RETURN;
END $$
"""  # noqa: E501  # as above


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(CLAIM)
    op.execute(TAKE_IN)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(
        "DROP FUNCTION take_in_summary(text, text, jsonb, text, bytea, text, text, text, text, jsonb,"
        " integer, integer, date, uuid, integer, bigint, integer[], uuid, text, bytea, bytea, bytea, bigint)"
    )
    op.execute("DROP FUNCTION claim_key(uuid, uuid, uuid, text, bytea, bigint)")
