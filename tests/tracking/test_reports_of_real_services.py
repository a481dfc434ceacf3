"""From the request of a real service to what it changes here: the whole way, which the fakes do not show."""

import base64
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.utils import timezone

from campaigns.delivery import routing
from campaigns.tracking import applying
from campaigns.tracking.models import InboxItem
from campaigns.tracking.thread_models import ThreadText
from tenants.accounts.models import Tenant
from tenants.connections.connecting import connect
from tenants.connections.hooks import path_of
from tests.factories import NOW
from tests.tracking.making import make_reached
from tests.tracking.texting import NUMBER, written_to
from winback.tenancy import acting_for

GATEWAY = {
    "url": "https://sms.example.com/send", "webhook_auth": "shared_secret", "webhook_header": "X-Secret",
    "text_pointer": "/text", "text_from_pointer": "/from", "text_id_pointer": "/id",
}  # fmt: skip
WORDS = {"id": "t1", "from": NUMBER, "text": "Is Saturday possible?"}


@pytest.mark.parametrize(
    ("kind", "body"),
    [("application/json", json.dumps(WORDS)), ("application/x-www-form-urlencoded", urlencode(WORDS))],
)
def test_a_text_through_a_gateway_becomes_a_conversation(tenant: Tenant, client: Client, kind: str, body: str) -> None:
    written_to(tenant)
    secret = {"webhook_secret": "hunter2"}
    connection = connect(
        tenant, kind="sms", provider="gateway", now=NOW, actor="a", credentials=secret, options=GATEWAY
    )

    answer = client.post(path_of(connection), body, content_type=kind, headers={"X-Secret": "hunter2"})
    applying.apply(tenant, now=timezone.now())

    assert answer.status_code == 200
    with acting_for(tenant.pk):
        assert InboxItem.objects.for_tenant(tenant).get().detail == ""
        assert ThreadText.objects.for_tenant(tenant).get().body == WORDS["text"]


def test_a_bounce_of_an_email_service_reaches_its_message(tenant: Tenant, client: Client) -> None:
    message = make_reached(tenant)
    told = {"server_token": "t", "webhook_username": "oak", "webhook_password": "hunter2"}
    connection = connect(tenant, kind="email", provider="postmark", now=NOW, actor="a", credentials=told)
    event: dict[str, Any] = {
        "RecordType": "Bounce", "Type": "HardBounce", "TypeCode": 1, "ID": 1, "MessageID": "m1",
        "Metadata": {"winback": routing.reference_of(message.pk)}, "Email": "robin@example.com",
        "BouncedAt": "2026-09-30T11:59:00.0000000Z", "Details": "nobody there",
    }  # fmt: skip
    password = base64.b64encode(b"oak:hunter2").decode()

    client.post(
        path_of(connection), event, content_type="application/json", headers={"Authorization": f"Basic {password}"}
    )
    applying.apply(tenant, now=timezone.now())

    with acting_for(tenant.pk):
        message.refresh_from_db()
    assert (message.state, message.reason) == ("bounced", "bounced_hard")
