"""An operator's commands: what an operator is refused in one line, then what each task does."""

import asyncio
import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from alembic import command
from typer.testing import CliRunner, Result

from app.commands import cli, main
from app.core.api_key_format import is_well_formed
from app.settings import Settings, get_settings
from tests.audit.tampering import TRIGGERS_OFF
from tests.catalogue import ask
from tests.factories import PASSWORD
from tests.servers import DatabaseUrls, Template
from tests.test_migrations import config_for, execute

pytestmark = pytest.mark.integration

USERS = "SELECT username, email, role, is_verified FROM users"
FORGED_ENTRY = (
    "INSERT INTO audit_entries (id, action, actor_kind, details)"
    " VALUES (gen_random_uuid(), 'logout', 'user', '{}')"
)
IMPORT_HEADER = "username,email,full_name,password_hash"
BCRYPT_HASH = "$2b$04$aLDzxj.Ai.urCw8xct7LaeMnsXfeMhSBWcnqavtGjOpKr.qykGt.q"
STAFF = ["staff", "create", "Root", "--email", "root@example.com"]


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[pytest.MonkeyPatch]:
    """Of a shell in an empty folder."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)
    get_settings.cache_clear()
    yield monkeypatch
    get_settings.cache_clear()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


def refusal(environment: pytest.MonkeyPatch, *arguments: str) -> str:
    """What the shell shows, where the command ends with an error."""
    environment.setattr("sys.argv", ["precis", *arguments])
    with pytest.raises(SystemExit) as caught:
        main()
    return str(caught.value.code)


@pytest.mark.parametrize("command", ["serve", "worker", "migrate", "openapi", "check-config", "demo seed"])
def test_a_configuration_that_cannot_be_used_is_refused_in_words(
    environment: pytest.MonkeyPatch, command: str
) -> None:
    environment.setenv("DATABASE_URL", "sqlite:///precis.db")
    assert "DATABASE_URL: SQLite is not supported" in refusal(environment, *command.split())


def test_keys_that_are_not_there_are_refused(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("JWT_KEYS_DIR", "nowhere")
    assert "nowhere" in refusal(environment, "check-config")


@pytest.mark.parametrize("missing", ["SUPERUSER_DATABASE_URL", "APP_OWNER_PASSWORD", "APP_RW_PASSWORD"])
def test_bootstrap_names_what_is_not_set(environment: pytest.MonkeyPatch, missing: str) -> None:
    for name in {"SUPERUSER_DATABASE_URL", "APP_OWNER_PASSWORD", "APP_RW_PASSWORD"} - {missing}:
        environment.setenv(name, "x")
    environment.delenv(missing, raising=False)
    assert f"{missing} is not set" in refusal(environment, "db", "bootstrap")


def test_a_weak_staff_password_is_refused_with_its_faults(
    environment: pytest.MonkeyPatch, database_urls: DatabaseUrls
) -> None:
    environment.setenv("DATABASE_URL", database_urls.rw)
    environment.setenv("PRECIS_PASSWORD", "weak")
    said = refusal(environment, *STAFF)
    assert said.count("\n  - ") > 1
    assert "/password" in said


@pytest.mark.parametrize(
    "wrong",
    [
        ["staff", "create", "a b", "--email", "a@example.com"],
        ["staff", "create", "abc", "--email", "nonsense"],
    ],
)
def test_a_name_or_address_outside_the_rules_is_refused_in_one_line(
    environment: pytest.MonkeyPatch, database_urls: DatabaseUrls, wrong: list[str]
) -> None:
    environment.setenv("DATABASE_URL", database_urls.rw)
    environment.setenv("PRECIS_PASSWORD", PASSWORD)
    said = refusal(environment, *wrong)
    assert "username" in said or "email" in said
    assert PASSWORD not in said


def test_a_task_that_is_not_there_is_refused() -> None:
    assert run("no-such-task").exit_code == 2


def test_staff_are_made_with_the_role_given(
    environment: pytest.MonkeyPatch, database_urls: DatabaseUrls
) -> None:
    environment.setenv("DATABASE_URL", database_urls.rw)
    environment.setenv("PRECIS_PASSWORD", PASSWORD)
    result = run(*STAFF, "--role", "moderator")
    assert (result.exit_code, result.output) == (0, "moderator Root created\n")
    (user,) = asyncio.run(ask(database_urls.superuser, USERS))
    assert (user["username"], user["role"], user["is_verified"]) == ("root", "moderator", True)


def test_accounts_and_plans_are_mended_in_one_line(
    environment: pytest.MonkeyPatch, database_urls: DatabaseUrls
) -> None:
    environment.setenv("DATABASE_URL", database_urls.rw)
    environment.setenv("PRECIS_PASSWORD", PASSWORD)
    assert "User not found" in refusal(environment, "users", "unlock", "root")
    run(*STAFF)
    (place,) = asyncio.run(ask(database_urls.superuser, "SELECT id FROM organizations"))
    assert run("users", "unlock", "root").output == "root was not locked\n"
    assert run("staff", "set-role", "root", "user").output.endswith("and is user\n")
    assert run("users", "reset-second-factor", "root").output == "root had none\n"
    set_plan = ("organizations", "set-plan", str(place["id"]))
    assert run(*set_plan, "pro").output == "root is on the plan pro\n"
    assert run(*set_plan, "gold").exit_code == 2


def test_an_import_says_what_became_of_each_row_and_fails_where_one_was_refused(
    environment: pytest.MonkeyPatch, database_urls: DatabaseUrls
) -> None:
    environment.setenv("DATABASE_URL", database_urls.rw)
    rows = f"{IMPORT_HEADER}\ndora,dora@example.com,,{BCRYPT_HASH}\neve,nonsense,,{BCRYPT_HASH}\n"
    Path("users.csv").write_text(rows, "utf-8")
    result = run("users", "import", "users.csv", "--verified")
    assert result.exit_code == 1
    assert result.output.startswith("line 2: dora: imported\nline 3: ?: email: ")
    assert result.output.endswith("1 imported, 1 refused\n")
    (user,) = asyncio.run(ask(database_urls.superuser, USERS))
    assert (user["username"], user["role"], user["is_verified"]) == ("dora", "user", True)
    Path("none.csv").write_text(IMPORT_HEADER, "utf-8")
    assert run("users", "import", "none.csv").exit_code == 0


def test_migrate_brings_an_empty_database_to_the_head(
    environment: pytest.MonkeyPatch, database_urls: DatabaseUrls
) -> None:
    command.downgrade(config_for(database_urls.owner), "base")
    environment.setenv("DATABASE_URL", database_urls.rw)
    environment.setenv("MIGRATION_DATABASE_URL", database_urls.owner)
    assert run("migrate").exit_code == 0
    assert asyncio.run(ask(database_urls.superuser, USERS)) == []


def test_a_former_release_migrates_nothing_where_a_later_one_has(
    environment: pytest.MonkeyPatch, database_urls: DatabaseUrls
) -> None:
    """To take a release back is to deploy the former image, whose migrations run first."""
    asyncio.run(execute(database_urls.superuser, "UPDATE alembic_version SET version_num = 'later'"))
    environment.setenv("DATABASE_URL", database_urls.rw)
    environment.setenv("MIGRATION_DATABASE_URL", database_urls.owner)
    result = run("migrate")
    assert (result.exit_code, "nothing to do" in result.output) == (0, True)
    (found,) = asyncio.run(ask(database_urls.superuser, "SELECT version_num FROM alembic_version"))
    assert found["version_num"] == "later"
    assert run("migrate", "--revision", "nonsense").exit_code != 0


def test_bootstrap_may_be_repeated_and_prints_what_works(
    environment: pytest.MonkeyPatch, template: Template
) -> None:
    name = f"precis_{secrets.token_hex(6)}"
    environment.setenv("SUPERUSER_DATABASE_URL", template.superuser_url)
    # Roles are the server's: other tests go on using these.
    environment.setenv("APP_OWNER_PASSWORD", urlsplit(template.role_urls.owner).password or "")
    environment.setenv("APP_RW_PASSWORD", urlsplit(template.role_urls.rw).password or "")
    outputs = {run("db", "bootstrap", "--database", name).output for _ in range(2)}
    assert len(outputs) == 1
    lines = dict(line.split("=", 1) for line in outputs.pop().splitlines())
    for variable, role in {"DATABASE_URL": "app_rw", "MIGRATION_DATABASE_URL": "app_owner"}.items():
        found = asyncio.run(ask(lines[variable], "SELECT current_user::text AS role"))
        assert found == [{"role": role}]
    asyncio.run(execute(template.superuser_url, f"DROP DATABASE {name} WITH (FORCE)"))


def test_the_keys_it_makes_are_those_that_a_process_starts_with(environment: pytest.MonkeyPatch) -> None:
    made = run("keys", "init", "keys")
    assert made.output.startswith("active key ")
    environment.setenv("JWT_KEYS_DIR", "keys")
    assert run("check-config").output == "the configuration is sound (development)\n"


def test_keys_without_a_manifest_are_not_rotated(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "mounted").mkdir()
    assert "has no keys.json" in refusal(environment, "keys", "rotate", "mounted")
    assert "nowhere" in refusal(environment, "keys", "rotate", "nowhere")


def test_a_rotation_too_early_is_told_so_and_changes_nothing(environment: pytest.MonkeyPatch) -> None:
    run("keys", "init", "keys")
    environment.setenv("JWT_KEYS_DIR", "keys")
    published = run("keys", "rotate")
    assert published.output.startswith("published next key ")
    before = Path("keys/keys.json").read_bytes()
    early = run("keys", "rotate")
    assert (early.exit_code, early.output.startswith("too early: already published")) == (0, True)
    assert Path("keys/keys.json").read_bytes() == before


def test_ten_minutes_later_the_published_key_signs(environment: pytest.MonkeyPatch) -> None:
    """As if the clock had gone on: the manifest says since when."""
    run("keys", "init", "keys")
    run("keys", "rotate", "keys")
    rewind = Path("keys/keys.json")
    manifest = json.loads(rewind.read_bytes())
    manifest["next"]["published_at"] -= 600
    rewind.write_text(json.dumps(manifest))
    said = run("keys", "rotate", "keys").output
    assert said.startswith(f"key {manifest['next']['kid']} signs from now on\n")
    environment.setenv("JWT_KEYS_DIR", "keys")
    assert run("check-config").exit_code == 0


def test_what_a_retired_key_signed_outlives_it_by_nothing() -> None:
    run("keys", "init", "keys")
    manifest_path, old = Path("keys/keys.json"), ""
    for _ in range(2):
        run("keys", "rotate", "keys")
        manifest = json.loads(manifest_path.read_bytes())
        old = manifest["active"]
        if manifest["next"]:
            manifest["next"]["published_at"] -= 600
            manifest_path.write_text(json.dumps(manifest))
    manifest["retired"] = {kid: at - 961 for kid, at in manifest["retired"].items()}
    retired = next(iter(manifest["retired"]))
    manifest_path.write_text(json.dumps(manifest))
    assert run("keys", "rotate", "keys").output.startswith(f"forgot {retired}: ")
    assert retired != old
    assert not Path(f"keys/{retired}.pub").exists()


def test_the_reference_is_printed_without_any_server() -> None:
    document = json.loads(run("openapi").output)
    assert "/api/v1/summaries" in document["paths"]


def test_a_sound_audit_log_is_verified_and_a_forged_one_ends_with_an_error(
    environment: pytest.MonkeyPatch, database_urls: DatabaseUrls
) -> None:
    environment.setenv("DATABASE_URL", database_urls.rw)
    result = run("audit", "verify")
    assert (result.exit_code, result.output.count("0 findings")) == (0, 1)
    asyncio.run(execute(database_urls.superuser, f"BEGIN; {TRIGGERS_OFF}; {FORGED_ENTRY}; COMMIT"))
    result = run("audit", "verify")
    assert (result.exit_code, result.output.count("1 findings")) == (1, 1)


def test_the_demo_prints_credentials_that_work(
    environment: pytest.MonkeyPatch, database_urls: DatabaseUrls, redis_url: str
) -> None:
    environment.setenv("DATABASE_URL", database_urls.rw)
    environment.setenv("REDIS_URL", redis_url)
    shown = dict(line.split(":", 1) for line in run("demo", "seed").output.splitlines())
    assert shown["user"].strip() == "demo"
    assert is_well_formed(shown["API key"].strip())
