"""The objects of examples/kubernetes, by their kind: there is one of each."""

import copy
from functools import cache
from pathlib import Path
from typing import Any

import yaml

DIRECTORY = Path(__file__).resolve().parents[2] / "examples/kubernetes"
FILES = sorted(DIRECTORY.iterdir())
KUSTOMIZATION, CONFIGURATION = DIRECTORY / "kustomization.yaml", DIRECTORY / "mailtrip.yml"
VALUES = DIRECTORY / "values.yaml"
OBJECTS = [file for file in FILES if file not in (KUSTOMIZATION, CONFIGURATION, VALUES)]

Object = dict[str, Any]


@cache
def _read(file: Path) -> Object:
    content: Object = yaml.load(file.read_text(encoding="utf-8"), yaml.CSafeLoader)
    return content


def read(file: Path) -> Object:
    """A copy, so that a test may change what it gets."""
    return copy.deepcopy(_read(file))


def objects() -> dict[str, Object]:
    return {content["kind"]: content for content in map(read, OBJECTS)}


def config_map() -> Object:
    """What kustomize makes of the configuration."""
    (wanted,) = read(KUSTOMIZATION)["configMapGenerator"]
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": wanted["name"], "namespace": wanted["namespace"]},
        "data": {file: (DIRECTORY / file).read_text(encoding="utf-8") for file in wanted["files"]},
    }


def pod() -> Object:
    """What the StatefulSet says of each pod."""
    spec: Object = objects()["StatefulSet"]["spec"]["template"]["spec"]
    return spec


def container() -> Object:
    (only,) = pod()["containers"]
    content: Object = only
    return content
