"""Two hosts with an outbox each: what nobody knows of a message is settled by the host that can tell, by no other."""

from datetime import timedelta
from pathlib import Path

import pytest
from pytest_django import Settings

from campaigns.delivery.recovering import look_up_unknown
from campaigns.planning.models import Message
from tenants.accounts.models import Tenant
from tenants.connections.connecting import connect, open_provider
from tests import factories
from tests.delivery.making import make_due, make_sender
from tests.providers.hearing import Hearing
from winback.providers.email.local import LocalEmailProvider

pytestmark = pytest.mark.usefixtures("catalog")
NOW = factories.NOW


@pytest.mark.parametrize(("written", "becomes"), [(True, "handed_over"), (False, "planned")])
def test_the_host_that_began_it_settles_it_and_no_other(
    tenant: Tenant, tmp_path: Path, settings: Settings, *, written: bool, becomes: str
) -> None:
    message = make_due(make_sender(tenant))
    outbox = connect(tenant, kind="email", provider="local", now=NOW, actor="test")
    Message.objects.filter(pk=message.pk).update(state="unknown", settled_at=NOW, connection=outbox)
    settings.WINBACK_HOME = tmp_path / "one"
    with open_provider(outbox) as provider:
        assert isinstance(provider, LocalEmailProvider)
        directory = provider.open_directory()
        provider.begin(directory, f"wb-{message.pk}", Hearing())
        if written:
            provider.keep(directory, f"wb-{message.pk}", b"Subject: It is here\n\n")

    settings.WINBACK_HOME = tmp_path / "two"
    look_up_unknown(tenant, now=NOW)
    message.refresh_from_db()
    assert message.state == "unknown"

    settings.WINBACK_HOME = tmp_path / "one"
    look_up_unknown(tenant, now=NOW + timedelta(hours=7))
    message.refresh_from_db()
    assert message.state == becomes
