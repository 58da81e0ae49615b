"""The audit log's seals: what waits to be sealed, each chain's seals and head, and the signed checkpoints."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TENANT = "(SELECT nullif(current_setting('app.organization_id', true), '')::uuid)"
SEALED = ("audit_seals", "audit_heads", "audit_checkpoints")
INSERT_ONLY = ("audit_seals", "audit_checkpoints")


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    create_tables()
    for table in SEALED:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY tenant ON {table} FOR SELECT USING (organization_id = {TENANT})")
    for table in INSERT_ONLY:
        op.execute(
            f"CREATE TRIGGER insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    op.execute(CHAIN)
    op.execute(FIELDS)
    for definition in FUNCTIONS.values():
        op.execute(definition)
    op.execute(GRANTS)
    for signature in FUNCTIONS:
        op.execute(give_away(signature))
    queue_entries()


def create_tables() -> None:
    op.create_table(
        "audit_unsealed",
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("entry_id", name="pk_audit_unsealed"),
    )
    # It is filled and emptied all day: dead rows at its front are what a round would have to step over.
    op.execute(
        "ALTER TABLE audit_unsealed"
        " SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000)"
    )
    op.create_table(
        "audit_seals",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("prev_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "seq", name="pk_audit_seals"),
        sa.UniqueConstraint("entry_id", name="uq_audit_seals_entry_id"),
    )
    op.create_table(
        "audit_heads",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("checkpointed", sa.BigInteger(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", name="pk_audit_heads"),
    )
    op.create_index(
        "ix_audit_heads_moved",
        "audit_heads",
        ["organization_id"],
        postgresql_where=sa.text("checkpointed < seq"),
    )
    op.create_table(
        "audit_checkpoints",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("previous", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("organization_id", "seq", name="pk_audit_checkpoints"),
    )
    op.create_index("ix_audit_checkpoints_created_at", "audit_checkpoints", ["created_at"])


def queue_entries() -> None:
    op.execute(
        "CREATE TRIGGER queue_for_sealing AFTER INSERT ON audit_entries"
        " FOR EACH ROW EXECUTE FUNCTION queue_audit_entry()"
    )
    # Under FORCE the owner sees no row: those written before this migration would never be sealed.
    op.execute("ALTER TABLE audit_entries NO FORCE ROW LEVEL SECURITY")
    op.execute("INSERT INTO audit_unsealed SELECT id FROM audit_entries")
    op.execute("ALTER TABLE audit_entries FORCE ROW LEVEL SECURITY")


def give_away(function: str) -> str:
    """To app_search, as in 0001; with a single role the flag app.lookup stands for it (decision 0008)."""
    return f"""
    DO $$ BEGIN
        REVOKE ALL ON FUNCTION {function} FROM PUBLIC;
        IF EXISTS (SELECT FROM pg_roles
                   WHERE rolname = 'app_search' AND pg_has_role(current_user, oid, 'MEMBER')) THEN
            GRANT EXECUTE ON FUNCTION {function} TO app_rw;
            ALTER FUNCTION {function} OWNER TO app_search;
        END IF;
    END $$
    """


# Only the functions below write; app_rw, which serves requests, may not even forget an entry's turn.
GRANTS = """
DO $$
DECLARE sealed text;
BEGIN
    IF EXISTS (SELECT FROM pg_roles
               WHERE rolname = 'app_search' AND pg_has_role(current_user, oid, 'MEMBER')) THEN
        REVOKE ALL ON audit_unsealed FROM app_rw;
        REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON audit_seals, audit_heads, audit_checkpoints FROM app_rw;
        GRANT SELECT, INSERT, DELETE ON audit_unsealed TO app_search;
        GRANT SELECT, INSERT ON audit_seals, audit_checkpoints TO app_search;
        GRANT SELECT, INSERT, UPDATE ON audit_heads TO app_search;
    ELSE
        EXECUTE format('CREATE POLICY lookup ON audit_entries FOR SELECT TO %I '
                       'USING (current_setting(''app.lookup'', true) = ''on'')', current_user);
        FOREACH sealed IN ARRAY ARRAY['audit_seals', 'audit_heads', 'audit_checkpoints'] LOOP
            EXECUTE format('CREATE POLICY lookup ON %I TO %I '
                           'USING (current_setting(''app.lookup'', true) = ''on'')', sealed, current_user);
        END LOOP;
    END IF;
END $$
"""

# The entries that have no organisation make the platform's chain.
CHAIN = """
CREATE FUNCTION audit_chain(organization_id uuid) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT coalesce(organization_id, '00000000-0000-0000-0000-000000000000'::uuid)
$$
"""
# Text, in the form that PostgreSQL gives it: what is hashed does not depend on a driver. The order is final.
FIELDS = """
CREATE FUNCTION audit_fields(e audit_entries) RETURNS text[] LANGUAGE sql STABLE AS $$
    SELECT ARRAY[e.id::text, e.organization_id::text, e.action, e.actor_kind, e.actor_id::text,
                 e.credential_id::text, e.subject_id::text, e.target_kind, e.target_id::text, e.address::text,
                 e.request_id, e.details::text, extract(epoch FROM e.created_at)::text]
$$
"""


def look(head: str, body: str) -> str:
    """A function that sees every tenant's log while it runs, and only then."""
    return f"""
    CREATE FUNCTION {head} LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    BEGIN
        PERFORM set_config('app.lookup', 'on', true);
        {body};
        PERFORM set_config('app.lookup', '', true);
    END $$
    """


QUEUE_ENTRY = """
CREATE FUNCTION queue_audit_entry() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO audit_unsealed VALUES (NEW.id);
    RETURN NULL;
END $$
"""
# By its place in the queue, never by `id > the last one`: ids are made before the commit, which may be late.
UNSEALED = look(
    "unsealed_audit_entries(at_most integer, passing_over uuid[])"
    " RETURNS TABLE (chain uuid, entry_id uuid, fields text[])",
    """
        RETURN QUERY SELECT audit_chain(e.organization_id), e.id, audit_fields(e)
        FROM audit_unsealed u JOIN audit_entries e ON e.id = u.entry_id
        WHERE audit_chain(e.organization_id) <> ALL (passing_over)
          AND NOT EXISTS (SELECT FROM audit_seals s WHERE s.entry_id = u.entry_id)
        ORDER BY u.entry_id LIMIT at_most
    """,
)
BACKLOG = look(
    "audit_backlog() RETURNS TABLE (unsealed bigint, oldest timestamptz)",
    """
        RETURN QUERY SELECT count(*), (
            SELECT e.created_at FROM audit_unsealed u JOIN audit_entries e ON e.id = u.entry_id
            ORDER BY u.entry_id LIMIT 1)
        FROM audit_unsealed
    """,
)
# `newest` is what the seals themselves say: a head that says otherwise has been tampered with.
HEADS = look(
    "audit_heads_of(chains uuid[]) RETURNS TABLE"
    " (chain uuid, seq bigint, hash bytea, checkpointed bigint, mac bytea, newest bigint)",
    """
        RETURN QUERY SELECT c.chain, h.seq, h.hash, h.checkpointed, h.mac,
            (SELECT max(s.seq) FROM audit_seals s WHERE s.organization_id = c.chain)
        FROM unnest(chains) AS c(chain) LEFT JOIN audit_heads h ON h.organization_id = c.chain
    """,
)
MOVED = look(
    "moved_audit_chains(quiet interval) RETURNS TABLE (chain uuid)",
    """
        RETURN QUERY SELECT h.organization_id FROM audit_heads h
        WHERE h.checkpointed < h.seq
          AND NOT EXISTS (SELECT FROM audit_checkpoints k WHERE k.created_at > now() - quiet)
    """,
)
SEAL = look(
    "seal_audit_entries(chains uuid[], seqs bigint[], entries uuid[], prev_hashes bytea[], hashes bytea[],"
    " macs bytea[]) RETURNS void",
    """
        INSERT INTO audit_seals (organization_id, seq, entry_id, prev_hash, hash, mac)
        SELECT * FROM unnest(chains, seqs, entries, prev_hashes, hashes, macs);
        DELETE FROM audit_unsealed WHERE entry_id = ANY (entries)
    """,
)
MOVE_HEADS = look(
    "move_audit_heads(chains uuid[], seqs bigint[], hashes bytea[], checkpoints bigint[], macs bytea[])"
    " RETURNS void",
    """
        INSERT INTO audit_heads (organization_id, seq, hash, checkpointed, mac)
        SELECT * FROM unnest(chains, seqs, hashes, checkpoints, macs)
        ON CONFLICT (organization_id) DO UPDATE SET seq = excluded.seq, hash = excluded.hash,
            checkpointed = excluded.checkpointed, mac = excluded.mac
    """,
)
ADD_CHECKPOINTS = look(
    "add_audit_checkpoints(chains uuid[], seqs bigint[], previous bigint[], hashes bytea[], macs bytea[])"
    " RETURNS void",
    """
        INSERT INTO audit_checkpoints (organization_id, seq, previous, hash, mac)
        SELECT * FROM unnest(chains, seqs, previous, hashes, macs)
    """,
)
CHAINS = look(
    "audit_chains() RETURNS TABLE (chain uuid)",
    """
        RETURN QUERY SELECT h.organization_id FROM audit_heads h
        UNION SELECT s.organization_id FROM audit_seals s
        UNION SELECT k.organization_id FROM audit_checkpoints k
    """,
)
SEALS = look(
    "audit_seals_of(of_chain uuid, after bigint, at_most integer) RETURNS TABLE"
    " (seq bigint, entry_id uuid, prev_hash bytea, hash bytea, mac bytea, fields text[])",
    """
        RETURN QUERY SELECT s.seq, s.entry_id, s.prev_hash, s.hash, s.mac,
            CASE WHEN e.id IS NOT NULL THEN audit_fields(e) END
        FROM audit_seals s LEFT JOIN audit_entries e ON e.id = s.entry_id
        WHERE s.organization_id = of_chain AND s.seq > after ORDER BY s.seq LIMIT at_most
    """,
)
CHECKPOINTS = look(
    "audit_checkpoints_of(of_chain uuid) RETURNS TABLE (seq bigint, previous bigint, hash bytea, mac bytea)",
    """
        RETURN QUERY SELECT k.seq, k.previous, k.hash, k.mac FROM audit_checkpoints k
        WHERE k.organization_id = of_chain ORDER BY k.seq
    """,
)
ENTRIES = look(
    "audit_entries_after(last uuid, at_most integer) RETURNS TABLE"
    " (chain uuid, entry_id uuid, sealed boolean, queued boolean, opens uuid)",
    """
        RETURN QUERY SELECT audit_chain(e.organization_id), e.id,
            EXISTS (SELECT FROM audit_seals s WHERE s.entry_id = e.id),
            EXISTS (SELECT FROM audit_unsealed u WHERE u.entry_id = e.id),
            CASE WHEN e.organization_id IS NULL AND e.action = 'audit_chain_opened' THEN e.target_id END
        FROM audit_entries e WHERE e.id > last ORDER BY e.id LIMIT at_most
    """,
)
LOST = look(
    "lost_audit_entries() RETURNS TABLE (entry_id uuid)",
    """
        RETURN QUERY SELECT u.entry_id FROM audit_unsealed u
        WHERE NOT EXISTS (SELECT FROM audit_entries e WHERE e.id = u.entry_id)
    """,
)
FUNCTIONS = {
    "queue_audit_entry()": QUEUE_ENTRY,
    "unsealed_audit_entries(integer, uuid[])": UNSEALED,
    "audit_backlog()": BACKLOG,
    "audit_heads_of(uuid[])": HEADS,
    "moved_audit_chains(interval)": MOVED,
    "seal_audit_entries(uuid[], bigint[], uuid[], bytea[], bytea[], bytea[])": SEAL,
    "move_audit_heads(uuid[], bigint[], bytea[], bigint[], bytea[])": MOVE_HEADS,
    "add_audit_checkpoints(uuid[], bigint[], bigint[], bytea[], bytea[])": ADD_CHECKPOINTS,
    "audit_chains()": CHAINS,
    "audit_seals_of(uuid, bigint, integer)": SEALS,
    "audit_checkpoints_of(uuid)": CHECKPOINTS,
    "audit_entries_after(uuid, integer)": ENTRIES,
    "lost_audit_entries()": LOST,
}


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute("DROP TRIGGER queue_for_sealing ON audit_entries")
    op.execute("DROP POLICY IF EXISTS lookup ON audit_entries")
    for signature in FUNCTIONS:
        op.execute(f"DROP FUNCTION {signature}")
    op.execute("DROP FUNCTION audit_fields(audit_entries)")
    op.execute("DROP FUNCTION audit_chain(uuid)")
    for table in (*SEALED, "audit_unsealed"):
        op.drop_table(table)
