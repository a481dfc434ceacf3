"""Activation in the developer API: the same deed and answer as the console's and the command's."""

import json
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Field, Router, Schema

from tenants.access.middleware import actor_of, key_of, require_scope
from tenants.activation.activating import ModuleNotFound, activate
from tenants.activation.module_settings import SettingsInvalid
from tenants.connections import domain_evidence
from tenants.connections.models import SendingDomain
from winback.problems import Problem

router = Router(tags=["Modules"])


class ActivationRequest(Schema):
    """What to switch on."""

    module_code: str = Field(description="Such as `dormant_customer_reactivation`.", max_length=80)
    settings: dict[str, Any] | None = Field(
        None, description="By the module's settings schema; its defaults where not given. Left out: as they were."
    )


class RequirementShape(Schema):
    """One thing that is missing."""

    code: str
    kind: str
    message: str
    fix: dict[str, Any]
    alternatives: list[str]


class RequirementsShape(Schema):
    """What is missing, by when it is due."""

    currently_due: list[RequirementShape]
    eventually_due: list[RequirementShape]
    past_due: list[RequirementShape]
    pending_verification: list[RequirementShape]


class ActivationAnswer(Schema):
    """Whether it runs, and what is missing where it does not."""

    state: str
    activation_id: int
    module_code: str
    settings: dict[str, Any]
    requirements: RequirementsShape


class SendingDomainShape(Schema):
    """A domain that e-mail is from, with what was found and when."""

    domain: str
    state: str = Field(description="`ready`, `degraded`, `missing` (a bulk sender's) or `not_checked`.")
    bulk: bool
    policy: str
    dkim_selectors: list[str]
    checked_at: str | None
    findings: list[dict[str, Any]]
    message_checked_at: str | None
    message_findings: list[dict[str, Any]]


@router.get(
    "/sending-domains",
    summary="Sending domains",
    description="SPF, DKIM, DMARC and MX of the domains that your e-mail is from, as they were last looked up, each "
    "finding with the DNS record to add.",
    response=list[SendingDomainShape],
)
def sending_domains(request: HttpRequest) -> list[dict[str, Any]]:
    require_scope(request, "results:read")
    rows = SendingDomain.objects.for_tenant(key_of(request).tenant).order_by("domain")
    now = timezone.now()
    return [domain_evidence.as_dict(row, now=now) for row in rows]


@router.post(
    "/activate-module",
    summary="Switch a module on",
    description="For the tenant that the key belongs to. 200: it runs. 202: it does not yet, `requirements` says what "
    "is missing, and it is looked at again whenever one of them changes. The same call twice answers the same.",
    response={200: ActivationAnswer, 202: ActivationAnswer},
)
def activate_module(request: HttpRequest, body: ActivationRequest) -> HttpResponse:
    require_scope(request, "modules:activate")
    key = key_of(request)
    try:
        answer = activate(key.tenant, body.module_code, body.settings, now=timezone.now(), actor=actor_of(request))
    except ModuleNotFound as error:
        raise Problem(404, "module_not_found", str(error)) from error
    except SettingsInvalid as error:
        raise Problem(422, "settings_invalid", "Some settings are not valid.", errors=error.errors) from error
    return HttpResponse(
        json.dumps(answer.body, ensure_ascii=False),
        status=answer.status,
        content_type="application/json; charset=utf-8",
    )
