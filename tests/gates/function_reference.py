"""alembic/functions/: what each function of the database is by now, `make functions`.

Migrations change functions, some by a part of their text: here each stands whole, and a test keeps it equal.
"""

import asyncio
from pathlib import Path

from sqlalchemy.engine import make_url

from app.core.schema_version import ROOT
from tests.catalogue import ask
from tests.load.start import servers

FOLDER = ROOT / "alembic" / "functions"
# Those of the queue are procrastinate's own.
FUNCTIONS = """
SELECT p.proname AS name, pg_get_userbyid(p.proowner) AS owner, pg_get_functiondef(p.oid) AS text
FROM pg_proc p
WHERE p.pronamespace = 'public'::regnamespace AND p.proname NOT LIKE 'procrastinate%'
    AND p.prokind IN ('f', 'p')
    AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
ORDER BY p.proname, pg_get_function_identity_arguments(p.oid)
"""


async def functions_of(url: str) -> dict[str, str]:
    """The text of each file by its name; those of one name share one. Roles are named as installations do."""
    written: dict[str, str] = {}
    for row in await ask(url, FUNCTIONS):
        text = f"-- Owned by {row['owner']}.\n{row['text'].rstrip()};\n"
        written[f"{row['name']}.sql"] = "\n".join([*filter(None, [written.get(f"{row['name']}.sql")]), text])
    return written


def write(functions: dict[str, str], *, folder: Path = FOLDER) -> None:
    folder.mkdir(exist_ok=True)
    for former in folder.glob("*.sql"):
        former.unlink()
    for name, text in functions.items():
        (folder / name).write_text(text)


if __name__ == "__main__":
    with servers() as stack:
        owner = make_url(stack.environment["MIGRATION_DATABASE_URL"]).set(drivername="postgresql")
        write(asyncio.run(functions_of(owner.render_as_string(hide_password=False))))
