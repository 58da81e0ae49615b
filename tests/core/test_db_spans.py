import pytest

from app.core.db_spans import summary_of

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("statement", "summary"),
    [
        ("SELECT set_config('app.user_id', $1, true)", "SELECT set_config"),
        ("SELECT a.b, 'hunter2' FROM summaries a WHERE c = 'hunter2'", "SELECT summaries"),
        ("INSERT INTO webhook_deliveries (id) VALUES ($1)", "INSERT webhook_deliveries"),
        ('UPDATE ONLY "users" SET a = 1', "UPDATE users"),
        ("\n  delete from audit_entries", "DELETE audit_entries"),
        ("SELECT 1", "SELECT"),
        ("", "?"),
    ],
)
def test_a_statement_is_named_by_its_verb_and_table(statement: str, summary: str) -> None:
    assert summary_of(statement) == summary
