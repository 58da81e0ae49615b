"""The deploy files name only what exists, and the fleet keeps its shape."""

import re
from ipaddress import ip_address, ip_network

import pytest

from app.settings import Settings
from tests.deploy.deploy_files import (
    COMPOSE_FILES,
    ROOT,
    example_env,
    is_setting,
    mounted_files,
    our_services,
    read_compose,
    setting_names,
)

pytestmark = pytest.mark.unit


def test_example_env_names_every_setting_and_no_other() -> None:
    assert set(example_env()) == setting_names()


def test_example_env_shows_the_defaults() -> None:
    shown = {name.lower(): value for name, value in example_env().items()}
    numbers = {name: field.default for name, field in Settings.model_fields.items()}
    for name, default in numbers.items():
        if isinstance(default, int | float) and not isinstance(default, bool):
            assert float(shown[name]) == float(default), name


@pytest.mark.parametrize("file", COMPOSE_FILES)
def test_our_containers_get_only_settings_that_exist(file: str) -> None:
    for name, service in our_services(read_compose(file)).items():
        unknown = [variable for variable in service["environment"] if not is_setting(variable)]
        assert unknown == [], name


@pytest.mark.parametrize("file", COMPOSE_FILES)
def test_dependencies_networks_and_secrets_are_declared(file: str) -> None:
    compose = read_compose(file)
    for name, service in compose["services"].items():
        assert set(service.get("depends_on", {})) <= set(compose["services"]), name
        assert set(service.get("networks", {})) <= set(compose.get("networks", {})), name
        assert set(service.get("secrets", [])) <= set(compose.get("secrets", {})), name


@pytest.mark.parametrize("file", COMPOSE_FILES)
def test_mounted_files_and_folders_are_in_the_repository(file: str) -> None:
    assert [source for source in mounted_files(read_compose(file)) if not (ROOT / source).exists()] == []


@pytest.mark.parametrize("file", COMPOSE_FILES)
def test_every_image_is_pinned(file: str) -> None:
    images = {s["image"] for s in read_compose(file)["services"].values() if "build" not in s}
    assert [image for image in images if ":" not in image or image.endswith(":latest")] == []


def test_fleet_opens_no_port_to_the_outside_but_nginx() -> None:
    services = read_compose("docker-compose.prod.yml")["services"]
    open_ports = {
        name
        for name, service in services.items()
        if any(not port.startswith("127.0.0.1:") for port in service.get("ports", []))
    }
    assert open_ports == {"nginx"}


def test_fleet_limits_every_container() -> None:
    for name, service in read_compose("docker-compose.prod.yml")["services"].items():
        assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory"}, name


def test_edge_cannot_reach_the_data() -> None:
    services = read_compose("docker-compose.prod.yml")["services"]
    assert not set(services["nginx"]["networks"]) & set(services["postgres"]["networks"])


def test_fleet_takes_secrets_from_files_that_it_was_given() -> None:
    for name, service in our_services(read_compose("docker-compose.prod.yml")).items():
        if name == "bootstrap":  # its command reads its own three; it loads no settings
            continue
        files = {value for key, value in service["environment"].items() if key.endswith("_FILE")}
        assert files == {f"/run/secrets/{secret}" for secret in service["secrets"]}, name
        assert not {"SECRET_KEY", "DATABASE_URL", "REDIS_URL"} & set(service["environment"]), name


def test_fleet_believes_only_nginx_about_addresses() -> None:
    services = read_compose("docker-compose.prod.yml")["services"]
    nginx = services["nginx"]["networks"]["edge"]["ipv4_address"]
    assert services["api"]["environment"]["FORWARDED_ALLOW_IPS"] == nginx
    (pool,) = read_compose("docker-compose.prod.yml")["networks"]["edge"]["ipam"]["config"]
    assert ip_address(nginx) in ip_network(pool["subnet"])
    assert ip_address(nginx) not in ip_network(pool["ip_range"])


def test_image_installs_the_pins_by_hash_and_runs_as_nobody_special() -> None:
    text = (ROOT / "deploy/Dockerfile").read_text("utf-8")
    assert "ARG REQUIREMENTS=requirements.lock\n" in text
    assert '--require-hashes -r "$REQUIREMENTS"' in text
    _, _, last_stage = text.rpartition("\nFROM ")
    assert "\nUSER 10001\n" in last_stage


@pytest.mark.parametrize("file", ["deploy/Dockerfile", "deploy/aws/Dockerfile.lambda"])
def test_what_an_image_needs_is_sent_to_its_builder(file: str) -> None:
    sent = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    lines = (ROOT / file).read_text("utf-8").splitlines()
    copied = [name for line in lines if line.startswith("COPY req") for name in line.split()[1:-1]]
    handlers = [path.relative_to(ROOT) for path in ROOT.glob("deploy/aws/*.py")]
    assert copied
    assert {f"!{name}" for name in (*copied, *handlers, "app", "alembic", "gunicorn.conf.py")} <= set(sent)


def test_what_a_platform_starts_is_in_the_image() -> None:
    sent = [line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line[0] == "!"]
    files = [*ROOT.glob("docker-compose*.yml"), *ROOT.glob("deploy/**/*.yml"), *ROOT.glob("deploy/**/*.yaml")]
    started = {
        name for file in files for name in re.findall(r"/srv/precis/([\w./-]+)", file.read_text("utf-8"))
    }
    assert started
    for name in started:
        assert any(name == path or name.startswith(f"{path}/") for path in sent), name


@pytest.mark.parametrize("file", ["deploy/Dockerfile", "deploy/aws/Dockerfile.lambda"])
def test_image_holds_the_application_compiled(file: str) -> None:
    lines = (ROOT / file).read_text("utf-8").splitlines()
    compiled = next(number for number, line in enumerate(lines) if "-m compileall" in line)
    assert compiled > lines.index("COPY . .")
    assert not any(line.startswith("USER") for line in lines[:compiled])
    arguments = lines[compiled].split("unchecked-hash ")[1].split()
    assert {"app", "alembic"} <= set(arguments)
    assert all((ROOT / folder).is_dir() for folder in arguments)


def test_proxy_gives_an_idle_connection_up_before_gunicorn_does() -> None:
    upstream = (ROOT / "nginx/nginx.conf").read_text("utf-8").partition("upstream precis_api")[2]
    proxy = re.search(r"keepalive_timeout (\d+)s;", upstream)
    server = re.search(r"^keepalive = (\d+)$", (ROOT / "gunicorn.conf.py").read_text("utf-8"), re.MULTILINE)
    assert proxy
    assert server
    assert int(proxy[1]) < int(server[1])
