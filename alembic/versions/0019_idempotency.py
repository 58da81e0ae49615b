"""Answers kept for retries of the same request."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

TENANT = "(SELECT nullif(current_setting('app.organization_id', true), '')::uuid)"
ROW = "organization_id, principal_id, route, key_digest"


def upgrade() -> None:
    op.create_table(
        "idempotency_keys",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("principal_id", sa.Uuid(), nullable=False),
        sa.Column("route", sa.Text(), nullable=False),
        sa.Column("key_digest", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name="fk_idempotency_keys_organization_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_idempotency_keys_user_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint(*ROW.split(", "), name="pk_idempotency_keys"),
    )
    op.create_index("ix_idempotency_keys_user_id", "idempotency_keys", ["user_id"])
    op.create_index("ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"])
    op.execute("ALTER TABLE idempotency_keys ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE idempotency_keys FORCE ROW LEVEL SECURITY")
    op.execute(
        f"CREATE POLICY tenant ON idempotency_keys USING (organization_id = {TENANT})"
        f" WITH CHECK (organization_id = {TENANT})"
    )
    op.execute(CLAIM)
    op.execute(DELETE_EXPIRED)
    delete_across_tenants("delete_expired_idempotency_keys(integer)", "idempotency_keys")


# One round trip names the tenant, takes the lock and looks: in a volatile function each statement has a
# snapshot of its own, so whoever is given the lock sees what its last holder committed. It runs with the
# caller's rights, row-level security included.
CLAIM = """
CREATE FUNCTION claim_idempotency_key(
    tenant uuid, person uuid, principal uuid, path text, digest bytea, lock bigint)
RETURNS TABLE (is_locked boolean, fingerprint bytea, answer bytea)
LANGUAGE plpgsql VOLATILE SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM set_config('app.organization_id', tenant::text, true), set_config('app.user_id', person::text, true);
    is_locked := pg_try_advisory_xact_lock(lock);
    SELECT k.fingerprint, k.answer INTO fingerprint, answer FROM idempotency_keys k
    WHERE k.organization_id = tenant AND k.principal_id = principal AND k.route = path
      AND k.key_digest = digest AND k.created_at > now() - interval '24 hours';
    RETURN NEXT;
END $$
"""  # noqa: E501  # SQL reads better unbroken

DELETE_EXPIRED = f"""
CREATE FUNCTION delete_expired_idempotency_keys(at_most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE deleted integer;
BEGIN
    PERFORM set_config('app.lookup', 'on', true);
    DELETE FROM idempotency_keys WHERE ({ROW}) IN (
        SELECT {ROW} FROM idempotency_keys
        WHERE created_at < now() - interval '24 hours' ORDER BY created_at LIMIT at_most);
    GET DIAGNOSTICS deleted = ROW_COUNT;
    PERFORM set_config('app.lookup', '', true);
    RETURN deleted;
END $$
"""  # noqa: S608  # our own names


def delete_across_tenants(function: str, table: str) -> None:
    """As in 0006, which is frozen; where nobody may hand it over, the owner is let see the rows as well."""
    op.execute(
        f"""
        DO $$ BEGIN
            REVOKE ALL ON FUNCTION {function} FROM PUBLIC;
            IF EXISTS (SELECT FROM pg_roles
                       WHERE rolname = 'app_search' AND pg_has_role(current_user, oid, 'MEMBER')) THEN
                GRANT EXECUTE ON FUNCTION {function} TO app_rw;
                GRANT SELECT, DELETE ON {table} TO app_search;
                ALTER FUNCTION {function} OWNER TO app_search;
            ELSE
                EXECUTE format(
                    'CREATE POLICY lookup ON {table} FOR SELECT TO %I '
                    'USING (current_setting(''app.lookup'', true) = ''on'')', current_user);
                EXECUTE format(
                    'CREATE POLICY upkeep ON {table} FOR DELETE TO %I '
                    'USING (current_setting(''app.lookup'', true) = ''on'')', current_user);
            END IF;
        END $$
        """
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP FUNCTION delete_expired_idempotency_keys(integer)")
    op.execute("DROP FUNCTION claim_idempotency_key(uuid, uuid, uuid, text, bytea, bigint)")
    op.drop_table("idempotency_keys")
