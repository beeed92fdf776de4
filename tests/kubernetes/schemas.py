"""What the schemas of Kubernetes and of the Prometheus Operator say of an object."""

from typing import Any

import kubernetes_validate

OPERATOR = "monitoring.coreos.com/"
WITHOUT_SCHEMA = {"HTTPRoute": {"parentRefs", "hostnames", "rules"}}
"""Kinds of which there is no schema here, with the fields that we use of their spec."""


def complaints(content: dict[str, Any]) -> list[str]:
    """What is wrong with the object; nothing if every field is known and has the right type."""
    kind = content["kind"]
    if kind in WITHOUT_SCHEMA:
        return sorted(set(content["spec"]) - WITHOUT_SCHEMA[kind])
    if content["apiVersion"].startswith(OPERATOR):
        return _of_the_operator(content)
    try:
        kubernetes_validate.validate(content, kubernetes_validate.latest_version(), strict=True)
    except kubernetes_validate.ValidationError as error:
        return [str(error)]
    return []


def _of_the_operator(content: dict[str, Any]) -> list[str]:
    # Here, since it takes seconds: a thousand models are made.
    from cloudcoil.models.prometheus_operator import v1, v1alpha1
    from pydantic import BaseModel, ValidationError

    version = {"v1": v1, "v1alpha1": v1alpha1}[content["apiVersion"].removeprefix(OPERATOR)]
    model: type[BaseModel] = getattr(version, content["kind"])
    try:
        read = model.model_validate(content)
    except ValidationError as error:
        return [str(error)]
    # The models leave out what they do not know, instead of refusing it.
    known = read.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return [] if known == content else [f"known is only {known}"]
