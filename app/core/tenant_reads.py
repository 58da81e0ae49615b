"""A read that is one statement: it names its tenant itself, and is its own transaction.

BEGIN, the tenant, the rows and COMMIT are four round trips; this is one where statements are prepared.
"""

from typing import Any

from sqlalchemy import ColumnElement, Select, Text, bindparam, func, literal_column, select, true


def _named(setting: str, value: str) -> ColumnElement[str]:
    named = func.set_config(literal_column(f"'{setting}'"), bindparam(value, type_=Text()), true())
    return named.label(value)


# The parameters are those of `Database.read`.
_TENANT = select(
    _named("app.organization_id", "tenant_organization"), _named("app.user_id", "tenant_user")
).subquery("tenant")


def under_tenant(rows: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    """For `Database.read`; build it once, with `bindparam`s.

    The rows refer to the tenant, and OFFSET keeps them a plan of their own: so it is named before the first
    row is looked at. In another order row-level security would hide every row; it would never show one more.
    """
    is_named = (name.is_not(None) for name in _TENANT.c)
    found = rows.where(*is_named).offset(literal_column("0")).lateral("found")
    return select(found).select_from(_TENANT).join(found, true())
