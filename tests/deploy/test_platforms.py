"""The files of each platform keep to its schema, and name only settings that exist."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml  # type: ignore[import-untyped]  # it ships no types

from tests.deploy.deploy_files import ROOT, is_setting, read_compose

pytestmark = pytest.mark.unit

DEPLOY = ROOT / "deploy"
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
COMPOSE = [ROOT / "docker-compose.yml", ROOT / "docker-compose.prod.yml", *DEPLOY.glob("docker-compose*.yml")]
DOCKERFILES = [DEPLOY / "Dockerfile", DEPLOY / "aws/Dockerfile.lambda"]
SERVICES = sorted((DEPLOY / "systemd").glob("*.service"))
UNITS = [*SERVICES, *(DEPLOY / "systemd").glob("*.timer")]
OVERLAYS = ("production", "staging")
# The oldest that is still maintained, and the newest that the schemas know.
KUBERNETES_VERSIONS = ("1.31", kubernetes_validate.latest_version())
KUBECTL = shutil.which("kubectl") or ""
# Read by the platform or by what starts us, not by the settings.
OTHERS = {"AWS_SECRET_ID"}

needs_kubectl = pytest.mark.skipif(not KUBECTL, reason="kubectl is not installed")


def passes(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603  # ours
    assert done.returncode == 0, done.stdout + done.stderr


def tool(name: str) -> Path:
    return Path(sys.executable).with_name(name)


def rendered(overlay: str) -> list[dict[str, Any]]:  # Any: YAML
    command = [KUBECTL, "kustomize", str(DEPLOY / "kubernetes" / overlay)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)  # noqa: S603  # ours
    return list(yaml.safe_load_all(done.stdout))


def of_kind(objects: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:  # Any: YAML
    return [found for found in objects if found["kind"] == kind]


def pods(objects: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:  # Any: YAML
    workloads = [*of_kind(objects, "Deployment"), *of_kind(objects, "Job")]
    return {found["metadata"]["name"]: found["spec"]["template"] for found in workloads}


def unknown(names: set[str]) -> set[str]:
    return {name for name in names if not is_setting(name)} - OTHERS


@pytest.mark.parametrize("file", COMPOSE, ids=lambda file: file.name)
def test_compose_files_keep_to_the_specification(file: Path) -> None:
    passes(tool("check-jsonschema"), "--builtin-schema", "vendor.compose-spec", file)


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_workflows_keep_to_the_schema(file: Path) -> None:
    passes(tool("check-jsonschema"), "--builtin-schema", "vendor.github-workflows", file)


@pytest.mark.parametrize("file", DOCKERFILES, ids=lambda file: file.name)
def test_images_are_built_as_hadolint_wants(file: Path) -> None:
    passes(tool("hadolint"), file)


def test_cloudformation_templates_pass_their_linter() -> None:
    passes(tool("cfn-lint"), *sorted((DEPLOY / "aws").glob("*.yaml")))


@needs_kubectl
@pytest.mark.parametrize("version", KUBERNETES_VERSIONS)
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_kubernetes_objects_keep_to_their_schemas(overlay: str, version: str) -> None:
    objects = rendered(overlay)
    for found in objects:
        kubernetes_validate.validate(found, version, strict=True)
    assert {found["kind"] for found in objects} >= {"Deployment", "Job", "PodDisruptionBudget", "Ingress"}


@needs_kubectl
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_pod_runs_with_the_least_rights(overlay: str) -> None:
    for name, template in pods(rendered(overlay)).items():
        spec = template["spec"]
        assert spec["automountServiceAccountToken"] is False, name
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        for container in spec["containers"]:
            rights = container["securityContext"]
            assert rights["readOnlyRootFilesystem"], name
            assert not rights["allowPrivilegeEscalation"], name
            assert rights["capabilities"] == {"drop": ["ALL"]}, name
            assert container["resources"]["limits"]["memory"], name


@needs_kubectl
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_policies_and_budgets_find_pods_by_labels_that_these_have(overlay: str) -> None:
    objects = rendered(overlay)
    labels = [template["metadata"]["labels"].items() for template in pods(objects).values()]
    policies = of_kind(objects, "NetworkPolicy")
    selectors = [p["spec"]["podSelector"].get("matchLabels", {}) for p in policies]
    selectors += [b["spec"]["selector"]["matchLabels"] for b in of_kind(objects, "PodDisruptionBudget")]
    for selector in selectors:
        assert any(selector.items() <= of_pod for of_pod in labels), selector
    assert {"app.kubernetes.io/part-of": "precis"} in selectors


@needs_kubectl
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_kubernetes_sets_only_settings_that_exist(overlay: str) -> None:
    objects = rendered(overlay)
    names = {name for config in of_kind(objects, "ConfigMap") for name in config["data"]}
    for template in pods(objects).values():
        names |= {item["name"] for item in template["spec"]["containers"][0].get("env", [])}
    assert unknown(names) == set()


def test_the_ingress_leads_to_no_inner_path() -> None:
    ingresses = yaml.safe_load_all((DEPLOY / "kubernetes/base/ingress.yaml").read_text("utf-8"))
    of_each = [ingress["spec"]["rules"][0]["http"]["paths"] for ingress in ingresses]
    prefixes = {path["path"] for paths in of_each for path in paths if path["pathType"] == "Prefix"}
    assert not {"/", "/health", "/metrics"} & prefixes


def test_no_log_of_the_ingress_holds_an_address_that_is_a_secret() -> None:
    text = (DEPLOY / "kubernetes/base/ingress.yaml").read_text("utf-8")
    for ingress in yaml.safe_load_all(text):
        paths = {path["path"] for path in ingress["spec"]["rules"][0]["http"]["paths"]}
        logged = ingress["metadata"]["annotations"].get("nginx.ingress.kubernetes.io/enable-access-log")
        assert (logged == "false") == bool(paths & {"/s", "/feeds"})


def test_aws_sets_only_settings_that_exist() -> None:
    text = (DEPLOY / "aws/ecs.yaml").read_text("utf-8")
    names = set(re.findall(r"\{Name: ([A-Z_]+), Value", text))
    block = (DEPLOY / "aws/lambda.yaml").read_text("utf-8").partition("Variables:")[2].partition("Events:")[0]
    names |= set(re.findall(r"^ +([A-Z_]+):", block, re.MULTILINE))
    assert names >= {"SECRET_KEY", "PUBLIC_URL"}
    assert unknown(names) == set()


def test_heroku_and_digitalocean_set_only_settings_that_exist() -> None:
    heroku = json.loads((DEPLOY / "heroku/app.json").read_text("utf-8"))
    ocean = yaml.safe_load((DEPLOY / "digitalocean/app.yaml").read_text("utf-8"))
    names = set(heroku["env"]) | {item["key"] for item in ocean["envs"]}
    assert unknown(names) == set()


@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.name)
def test_units_give_only_settings_that_exist_from_credentials_that_they_load(unit: Path) -> None:
    text = unit.read_text("utf-8")
    given = dict(re.findall(r"([A-Z_]+)=(%d/\w+|/\S+|json)", text))
    loaded = set(re.findall(r"^LoadCredential=(\w+):", text, re.MULTILINE))
    assert unknown(set(given)) == set()
    assert {path.removeprefix("%d/") for path in given.values() if path.startswith("%d/")} == loaded


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_units_are_understood_by_systemd(unit: Path) -> None:
    command = ["systemd-analyze", "verify", str(unit)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603  # ours
    # The program is not installed at that place here.
    faults = [line for line in done.stderr.splitlines() if "is not executable" not in line]
    assert [line for line in faults if unit.stem in line] == []


def test_staging_changes_only_services_of_the_fleet() -> None:
    fleet = set(read_compose("docker-compose.prod.yml")["services"])
    staging = read_compose("deploy/docker-compose.staging.yml")["services"]
    assert set(staging) - fleet == {"mail"}
    names = {name for service in staging.values() for name in service.get("environment", {})}
    assert unknown(names) == set()


@pytest.mark.parametrize("script", sorted(DEPLOY.rglob("*.sh")), ids=lambda script: script.name)
def test_scripts_are_posix_shell(script: Path) -> None:
    passes("sh", "-n", script)
