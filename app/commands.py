"""What the `precis` command can do: an operator's tasks, and the parts that `./run` supervises."""

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from getpass import getpass
from pathlib import Path
from typing import Annotated, TypeVar
from uuid import UUID

import typer
from alembic import command

from app.accounts.import_users import import_users, read_lines
from app.accounts.staff import NewStaff, create_staff
from app.admin.operator import reset_second_factor, set_plan, set_role, unlock_account
from app.audit.verification import verify_log
from app.cli import become
from app.core.db import Database
from app.core.errors import ProblemError
from app.core.key_rotation import rotate, told
from app.core.keyring import KeyRing
from app.core.migrations import alembic_config
from app.core.passwords import Passwords
from app.core.principal import Plan, StaffRole
from app.core.roles import RolePasswords, bootstrap
from app.core.schema_version import SchemaVersion
from app.core.signing_keys import KeyRingError
from app.local.demo import seed_demo
from app.main import create_app
from app.operations.backup import back_up, check
from app.operations.backup import restore as restore_backup
from app.operations.doctor import Doctor
from app.operations.findings import Verdict
from app.operations.programs import BackupError
from app.settings import Settings, SettingsError, load_settings

Result = TypeVar("Result")

cli = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__, pretty_exceptions_enable=False)
database_cli = typer.Typer(no_args_is_help=True, help="The database itself.")
staff_cli = typer.Typer(no_args_is_help=True, help="Platform staff.")
keys_cli = typer.Typer(no_args_is_help=True, help="The keys that sign access tokens.")
users_cli = typer.Typer(no_args_is_help=True, help="People's accounts.")
audit_cli = typer.Typer(no_args_is_help=True, help="The audit log.")
organizations_cli = typer.Typer(no_args_is_help=True, help="The tenants.")
demo_cli = typer.Typer(no_args_is_help=True, help="What ./run --demo shows.")
cli.add_typer(database_cli, name="db")
cli.add_typer(staff_cli, name="staff")
cli.add_typer(keys_cli, name="keys")
cli.add_typer(users_cli, name="users")
cli.add_typer(organizations_cli, name="organizations")
cli.add_typer(audit_cli, name="audit")
cli.add_typer(demo_cli, name="demo")


@cli.command()
def serve() -> None:
    """Serve the API: gunicorn with gunicorn.conf.py, on HOST and PORT."""
    _settings()
    become("serve")


@cli.command()
def worker() -> None:
    """Work the queue off."""
    _settings()
    become("worker")


@cli.command()
def migrate(revision: str = "head") -> None:
    """Bring the schema to a revision, with MIGRATION_DATABASE_URL. One that is ahead is left as it is."""
    settings = _settings()
    url = settings.migration_database_url or settings.database_url
    database = Database.from_settings(settings, url=url)
    if revision == "head" and asyncio.run(_is_ahead(database, SchemaVersion(database))):
        typer.echo("the schema is a later release's, on which this one serves: nothing to do")
        return
    command.upgrade(alembic_config(url), revision)


async def _is_ahead(database: Database, schema: SchemaVersion) -> bool:
    try:
        return await schema.is_ahead()
    finally:
        await database.dispose()


@cli.command()
def openapi() -> None:
    """Print the OpenAPI document."""
    typer.echo(json.dumps(create_app(_settings()).openapi(), indent=2))


@cli.command("check-config")
def check_config() -> None:
    """Read the settings and the keys as a process would at start."""
    settings = _settings()
    KeyRing.from_settings(settings, create=False)
    typer.echo(f"the configuration is sound ({settings.environment})")


@cli.command()
def doctor(
    *, as_json: Annotated[bool, typer.Option("--json", help="One JSON object a finding.")] = False
) -> None:
    """Examine the deployment and say what to do; exit with 1 where something does not work."""
    findings = asyncio.run(Doctor(_settings()).examine())
    for finding in findings:
        typer.echo(json.dumps(asdict(finding)) if as_json else finding.line())
    if any(finding.verdict is Verdict.FAULT for finding in findings):
        raise typer.Exit(1)


@cli.command()
def backup(
    folder: Path, *, checked: Annotated[bool, typer.Option("--check", help="Restore it and compare.")] = False
) -> None:
    """Dump the database of SUPERUSER_DATABASE_URL into a new folder, with a manifest of what it holds.

    With --check it is also restored into a fresh server on this machine, and compared row by row.
    """
    manifest = back_up(_given("SUPERUSER_DATABASE_URL"), folder)
    typer.echo(f"{folder}: {manifest.rows} rows in {len(manifest.tables)} tables, schema {manifest.revision}")
    if checked:
        check(folder)
        typer.echo("restored into a fresh server, and found equal")


@cli.command()
def restore(folder: Path, *, database: str = "precis") -> None:
    """Restore a backup into a database that is not there yet, and compare it; roles are made as by bootstrap.

    Reads SUPERUSER_DATABASE_URL, APP_OWNER_PASSWORD and APP_RW_PASSWORD.
    """
    url, passwords = _given("SUPERUSER_DATABASE_URL"), _role_passwords()
    manifest = restore_backup(folder, url, database=database, passwords=passwords)
    typer.echo(f"{database}: {manifest.rows} rows restored and found equal; now `precis audit verify`")


@database_cli.command("bootstrap")
def bootstrap_database(database: str = "precis") -> None:
    """Make roles, database and grants, with SUPERUSER_DATABASE_URL; prints the two DSNs to use.

    The roles' passwords come from APP_RW_PASSWORD and APP_OWNER_PASSWORD.
    """
    superuser_url, passwords = _given("SUPERUSER_DATABASE_URL"), _role_passwords()
    urls = asyncio.run(bootstrap(superuser_url, database=database, passwords=passwords))
    typer.echo(f"DATABASE_URL={urls.rw}\nMIGRATION_DATABASE_URL={urls.owner}")


@staff_cli.command("create")
def create_staff_member(
    username: str,
    email: Annotated[str, typer.Option()],
    role: Annotated[StaffRole, typer.Option()] = StaffRole.SUPER_ADMIN,
) -> None:
    """Make a staff account; the password comes from PRECIS_PASSWORD, or is asked for."""
    settings = _settings()
    password = os.environ.get("PRECIS_PASSWORD") or getpass("Password: ")
    new = NewStaff(username=username, email=email, password=password, role=role)
    _run(lambda passwords: create_staff(settings, new, passwords=passwords))
    typer.echo(f"{role} {username} created")


@staff_cli.command("set-role")
def set_staff_role(username: str, role: StaffRole) -> None:
    """Give an account another role: `user` is none. Whoever has it is logged out everywhere."""
    before = asyncio.run(set_role(_settings(), username, role))
    typer.echo(f"{username} was {before} and is {role}")


@users_cli.command("import")
def import_accounts(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)],
    *,
    verified: Annotated[bool, typer.Option(help="The addresses are known to be theirs.")] = False,
) -> None:
    """Import accounts with bcrypt hashes: CSV with a header, or .ndjson; a line says what became of each row.

    Columns: username, email, full_name (may be empty), password_hash. Ends with 1 where a row was refused.
    """
    settings, lines = _settings(), read_lines(file)
    refused = asyncio.run(import_users(settings, lines, verified=verified, report=typer.echo))
    typer.echo(f"{len(lines) - refused} imported, {refused} refused")
    if refused:
        raise typer.Exit(1)


@users_cli.command("unlock")
def unlock_user(username: str) -> None:
    """Forget wrong guesses at somebody's password, and every lock that they brought about."""
    unlocked = asyncio.run(unlock_account(_settings(), username))
    typer.echo(f"{username} is unlocked" if unlocked else f"{username} was not locked")


@users_cli.command("reset-second-factor")
def reset_users_second_factor(username: str) -> None:
    """For who lost both the app and the recovery codes, and has proved to you who they are."""
    reset = asyncio.run(reset_second_factor(_settings(), username))
    typer.echo(f"{username} logs in with the password alone" if reset else f"{username} had none")


@organizations_cli.command("set-plan")
def set_organizations_plan(organization_id: UUID, plan: Plan) -> None:
    """Put an organisation on another plan; in force on every worker within two seconds."""
    name = asyncio.run(set_plan(_settings(), organization_id, plan))
    typer.echo(f"{name} is on the plan {plan}")


@keys_cli.command("init")
def init_keys(directory: Path) -> None:
    """Make a directory with a first signing key, for JWT_KEYS_DIR."""
    ring = KeyRing.load(directory, create=True)
    typer.echo(f"active key {ring.active.kid} in {directory}")


@audit_cli.command("verify")
def verify_audit_log(
    log: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="A worker's log, in JSON lines.")
    ] = None,
) -> None:
    """Name every row that was changed, removed, inserted or reordered; exit with 1 where there is one.

    With a log also what its checkpoints saw and is no longer there: whole histories taken back or rewritten.
    """
    settings = _settings()
    if not asyncio.run(verify_log(settings, typer.echo, log=log)):
        raise typer.Exit(1)


@keys_cli.command("rotate")
def rotate_keys(
    directory: Annotated[Path | None, typer.Argument(help="Left out: JWT_KEYS_DIR.")] = None,
) -> None:
    """Take the step that is due: publish the next key, then let it sign, then forget the old one.

    Nobody is logged out, and running processes follow by themselves; call it from a daily timer, or twice by
    hand with ten minutes between.
    """
    where = directory or _settings().keys_dir
    for line in told(rotate(where), where):
        typer.echo(line)


@demo_cli.command("seed")
def seed() -> None:
    """Make the demo user, organisation and API key, and print them."""
    settings = _settings()
    typer.echo(_run(lambda passwords: seed_demo(settings, passwords=passwords)))


def _role_passwords() -> RolePasswords:
    return RolePasswords(_given("APP_OWNER_PASSWORD"), _given("APP_RW_PASSWORD"))


def _given(name: str) -> str:
    """What only a command needs, and no process. Raises SettingsError."""
    try:
        return os.environ[name]
    except KeyError:
        raise SettingsError([f"{name} is not set"]) from None


def _settings() -> Settings:
    return load_settings()


def _run(task: Callable[[Passwords], Awaitable[Result]]) -> Result:
    # Made outside the loop: the first hash loads its library.
    passwords = Passwords()

    async def run() -> Result:
        try:
            return await task(passwords)
        finally:
            await passwords.aclose()

    return asyncio.run(run())


def main() -> None:
    """One clear line for what an operator can mend; a traceback only for our own faults."""
    try:
        cli(prog_name="precis")
    except (SettingsError, KeyRingError, BackupError) as error:
        sys.exit(str(error))
    except ProblemError as error:
        faults = "".join(f"\n  - {fault.pointer}: {fault.detail}" for fault in error.faults)
        sys.exit(f"{error.detail}{faults}")


if __name__ == "__main__":
    main()
