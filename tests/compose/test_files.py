"""compose.yml and its files are taken by those who read them, and say the same as each other."""

import subprocess
from importlib import resources
from pathlib import Path

import pytest
import yaml

from exporter.commands.cli import DEFAULT_LISTEN
from tests.compose.files import EXAMPLES, FILE, Object, elsewhere, mounts, read

SERVICES = read(FILE)["services"]
PORTS = {name: service["ports"][0].rpartition(":")[2] for name, service in SERVICES.items()}
COMPOSE = EXAMPLES / "compose"


def test_compose_takes_the_file(servers: None, tmp_path: Path) -> None:
    content = elsewhere()
    del content["name"]  # Debian 12's Compose is too old to know it
    file = tmp_path / "compose.yml"
    file.write_text(yaml.safe_dump(content))
    done = subprocess.run(
        ["docker-compose", "-f", file, "config", "-q"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_takes_its_prometheus_yml(promtool: str) -> None:
    done = subprocess.run(
        [promtool, "check", "config", COMPOSE / "prometheus.yml"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_mailtrip_is_configured_as_it_is_without_a_configuration() -> None:
    built_in = yaml.safe_load(
        (resources.files("exporter") / "config/embedded.yml").read_text(encoding="utf-8")
    )
    assert read(COMPOSE / "mailtrip/mailtrip.yml") == built_in


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_few_rights_and_is_reached_from_this_machine_alone(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["ports"] == [f"127.0.0.1:{PORTS[name]}:{PORTS[name]}"]
    assert service.get("healthcheck") or name == "mailtrip"  # its image has one


@pytest.mark.parametrize("name", SERVICES)
def test_whatever_is_mounted_is_there(name: str) -> None:
    content = read(FILE)
    for path, source in mounts(SERVICES[name]).items():
        assert source.exists() if isinstance(source, Path) else source in content["volumes"], path
    for line in SERVICES[name]["volumes"]:
        assert line.endswith(":ro") == line.startswith(".")
    for secret in SERVICES[name].get("secrets", []):
        assert (EXAMPLES / content["secrets"][secret]["file"]).read_text(
            encoding="utf-8"
        ) == "change-me\n"


def test_everybody_looks_for_the_others_where_they_are() -> None:
    assert f":{PORTS['mailtrip']}" == DEFAULT_LISTEN
    prometheus = read(COMPOSE / "prometheus.yml")
    (job,), (alerting,) = prometheus["scrape_configs"], prometheus["alerting"]["alertmanagers"]
    assert job["static_configs"] == [{"targets": [f"mailtrip:{PORTS['mailtrip']}"]}]
    assert alerting["static_configs"] == [{"targets": [f"alertmanager:{PORTS['alertmanager']}"]}]
    rules = mounts(SERVICES["prometheus"])["/etc/prometheus/rules"]
    assert prometheus["rule_files"] == ["/etc/prometheus/rules/*.yml"]
    assert rules == EXAMPLES.parent / "dashboards/rules"
    password = read(EXAMPLES / "alertmanager.yml")["global"]["smtp_auth_password_file"]
    assert password in {f"/run/secrets/{secret}" for secret in SERVICES["alertmanager"]["secrets"]}


def test_grafana_finds_what_it_is_told_of() -> None:
    grafana = SERVICES["grafana"]
    there = mounts(grafana)
    (provider,) = read(EXAMPLES / "grafana/mailtrip.yml")["providers"]
    assert (
        there["/etc/grafana/provisioning/dashboards/mailtrip.yml"]
        == EXAMPLES / "grafana/mailtrip.yml"
    )
    dashboards = there[provider["options"]["path"]]
    assert dashboards == EXAMPLES.parent / "dashboards"
    home = Path(grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert str(home.parent) == provider["options"]["path"]
    assert (EXAMPLES.parent / "dashboards" / home.name).exists()
    (secret,) = grafana["secrets"]
    assert grafana["environment"]["GF_SECURITY_ADMIN_PASSWORD__FILE"] == f"/run/secrets/{secret}"


def test_grafana_s_data_source_is_that_of_the_other_example_at_another_address() -> None:
    def source(file: Path) -> Object:
        (only,) = read(file)["datasources"]
        found: Object = only
        return found

    here = source(COMPOSE / "grafana-datasource.yml")
    interval = read(COMPOSE / "prometheus.yml")["global"]["scrape_interval"]
    expected = source(EXAMPLES / "grafana/prometheus.yml") | {
        "url": f"http://prometheus:{PORTS['prometheus']}"
    }
    expected["jsonData"]["timeInterval"] = interval
    assert here == expected
