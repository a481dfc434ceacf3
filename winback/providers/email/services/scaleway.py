"""Scaleway Transactional Email. Its reports go to topics of its own, which nothing here reads."""

from typing import Any
from urllib.parse import quote, urlencode

from winback.providers.email.services.asking import ask, base
from winback.providers.email.services.service import About, Rule, Service, Told
from winback.providers.errors import ProviderMisconfigured
from winback.providers.fields import Field
from winback.providers.reasons import Reason

_API = "https://api.scaleway.com/transactional-email/v1alpha1/regions"


def _base(told: Told) -> str:
    return base(told, f"{_API}/{quote(told('region'), safe='')}")


def _check(told: Told) -> tuple[bool, str]:
    where = urlencode({"project_id": told("project_id"), "page_size": 20})
    found = ask(f"{_base(told)}/domains?{where}", {"X-Auth-Token": told("secret_key")})
    checked = [str(each.get("name")) for each in found.get("domains") or [] if each.get("status") == "checked"]
    if not checked:
        raise ProviderMisconfigured("No domain of this project is validated yet.")
    return True, f"Scaleway answers. Validated: {', '.join(checked[:5])}."


def _answer(body: Any) -> tuple[str, str]:
    if not isinstance(body, dict):
        return "", ""
    details = " ".join(str(each.get("argument_name", "")) for each in body.get("details") or [])
    return str(body.get("type", "")), f"{body.get('message', '')} {details}".strip()


SCALEWAY = Service(
    code="scaleway",
    label="Scaleway",
    backend="anymail.backends.scaleway.EmailBackend",
    fields=(
        Field("secret_key", "Secret key", secret=True),
        Field("project_id", "Project ID", help="Bounces and complaints come back by no webhook: watch its console."),
        Field("region", "Region", choices=("fr-par",), default="fr-par"),
    ),
    options=lambda told: {
        "secret_key": told("secret_key"), "project_id": told("project_id"), "region": told("region"),
        "api_url": _base(told),
    },
    check=_check,
    answer=_answer,
    rules=(
        Rule(Reason.ADDRESS_UNUSABLE, code="invalid_arguments", words=r"\bto\b"),
        Rule(About.SETTINGS, code="invalid_arguments", words=r"\bfrom\b|domain"),
        Rule(About.SETTINGS, code="quotas_exceeded"),
        Rule(About.SETTINGS, code="denied_authentication"),
    ),
)  # fmt: skip
