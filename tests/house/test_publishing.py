"""What leaves the house: a release, an image, a package. And who is told where to fetch things."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter import __version__
from tests.house.test_house import MACHINE_PATHS
from tests.support.tree import ROOT, lines
from tests.systems import LEFT_OUT

REGISTRIES = re.compile(
    r"pypi[.]org|pythonhoste[d]|deb[.]debian|security[.]debian|archive[.]ubuntu|ghcr[.]io|quay[.]io"
    r"|gcr[.]io|mcr[.]microsoft|public[.]ecr|docker[.]io|hub[.]docker|npmj[s]|crates[.]io"
    r"|proxy[.]golang|conda[.]anaconda|rubygem[s]"
)
"""Hosts that packages and images come from. Who installs has them configured, or has a mirror."""
IMAGE_NAMES = re.compile(r"^(ARG BASE=| +image: )docker[.]io/[\w./:-]+$")
"""Podman takes no short name of an image without asking. Each can be replaced by one's own."""
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PLACEHOLDER = "https://mailtrip.example.org/"


def test_no_registry_or_mirror_is_written_anywhere() -> None:
    named = [
        f"{where}: {line.strip()}"
        for where, line in lines(REGISTRIES)
        if not IMAGE_NAMES.match(line)
    ]
    assert not named, "use the tool's default, or a variable:\n" + "\n".join(named)


def test_the_rule_would_find_one() -> None:
    assert REGISTRIES.search("index-url = https://pypi" + ".org/simple")
    assert not IMAGE_NAMES.match("RUN pip install --index-url https://docker" + ".io/x")
    assert not MACHINE_PATHS.search(PLACEHOLDER)


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_a_workflow_has_no_more_rights_than_it_says(file: Path) -> None:
    workflow = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert workflow["permissions"] in ({}, {"contents": "read"})
    for job in workflow["jobs"].values():
        assert "timeout-minutes" in job
        for step in job["steps"]:
            uses, script = step.get("uses", ""), step.get("run", "")
            assert "${{" not in script, "give it as an environment variable"
            if uses.startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False
            assert not uses or re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", uses)


def test_ci_runs_everything_and_every_python_that_we_promise() -> None:
    ci = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    jobs = ci["jobs"]
    assert {"run": ".ci/run"} in jobs["everything"]["steps"]
    pythons = jobs["pure"]["strategy"]["matrix"]["python"]
    prefix = "Programming Language :: Python :: 3."
    promised = [one.rpartition(" ")[2] for one in PROJECT["classifiers"] if one.startswith(prefix)]
    assert pythons == promised
    assert PROJECT["requires-python"] == f">={promised[0]}"


def test_ci_runs_make_test_on_each_system_that_it_knows() -> None:
    jobs = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))["jobs"]
    everything, others = jobs["everything"], jobs["systems"]
    images = [everything["container"]["image"], *others["strategy"]["matrix"]["system"]]
    assert images == ["debian:12", "debian:13", "ubuntu:24.04"]
    assert len(images) == len(LEFT_OUT)
    for job in (everything, others):
        install = job["steps"][0]["run"].split()
        assert {"ca-certificates", "git", "make", "python3"} <= set(install)  # images lack them


def test_every_form_for_an_issue_asks_for_what_is_needed() -> None:
    forms = ROOT / ".github/ISSUE_TEMPLATE"
    for name in ("bug.yml", "wrong-verdict.yml", "feature.yml"):
        text = (forms / name).read_text(encoding="utf-8")
        form = yaml.safe_load(text)
        assert {"name", "description", "body"} <= form.keys()
        for command in ("mailtrip --version", "mailtrip check FILE", "mailtrip probe NAME --tran"):
            assert command in text, f"{name} does not ask for {command}"


def test_the_version_is_the_same_wherever_it_is_written() -> None:
    """One line is its source; what cannot read that line is compared here."""
    assert f'version="{__version__}"' in (ROOT / "Dockerfile").read_text(encoding="utf-8")
    kubernetes = (ROOT / "examples/kubernetes/kustomization.yaml").read_text(encoding="utf-8")
    assert f"newTag: {__version__}" in kubernetes
    page = (ROOT / "docs/kubernetes.md").read_text(encoding="utf-8")
    assert set(re.findall(r"(?:mailtrip:|--version )(\d[\w.]*\w)", page)) == {__version__}


def test_a_release_is_made_only_of_a_tag_that_is_the_version() -> None:
    text = (ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8")
    workflow = yaml.safe_load(text)
    assert workflow[True] == {"push": {"tags": ["v*"]}}  # YAML 1.1 reads `on` as true
    runs = [step.get("run", "") for step in workflow["jobs"]["build"]["steps"]]
    checks = [
        number for number, run in enumerate(runs) if '"$GITHUB_REF_NAME" = "v$version"' in run
    ]
    builds = [number for number, run in enumerate(runs) if run == "python -m build"]
    assert checks < builds
    assert workflow["jobs"]["publish"]["needs"] == "build"


def test_the_published_chart_names_the_published_image() -> None:
    """The place of the image in values.yaml is the one that the workflow looks for."""
    text = (ROOT / ".github/workflows/image.yml").read_text(encoding="utf-8")
    (sought,) = re.findall(r"s\|(repository: \S+)\|repository: \$\{IMAGE,,\}\|", text)
    values = (ROOT / "charts/mailtrip/values.yaml").read_text(encoding="utf-8")
    assert values.count(sought) == 1
    jobs = yaml.safe_load(text)["jobs"]
    assert jobs["chart"]["needs"] == "image"


def test_the_package_is_typed_and_says_where_its_home_is() -> None:
    assert (ROOT / "exporter/py.typed").read_bytes() == b""
    assert "Typing :: Typed" in PROJECT["classifiers"]
    assert set(PROJECT["urls"]) == {
        "Homepage",
        "Documentation",
        "Repository",
        "Issues",
        "Changelog",
    }
    rules = (ROOT / "dashboards/rules/mailtrip.alerts.yml").read_text(encoding="utf-8")
    assert PLACEHOLDER in rules
    assert all(url.startswith(PLACEHOLDER) for url in PROJECT["urls"].values())


def test_the_wheel_and_the_image_have_the_man_page_and_the_completions() -> None:
    hatch = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    assert hatch["targets"]["wheel"]["shared-data"] == {"share": "share"}
    assert "\nCOPY share share\n" in (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert "\n!share\n" in (ROOT / ".dockerignore").read_text(encoding="utf-8")
