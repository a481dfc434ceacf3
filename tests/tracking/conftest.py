"""What is reported on: a connection whose provider reports, and a message that it has handed over."""

import pytest

from campaigns.planning.models import Message
from tenants.accounts.models import Tenant
from tenants.connections.models import Connection
from tests.tracking.applied import reached
from tests.tracking.reporting import make_reporting


@pytest.fixture
def connection(tenant: Tenant) -> Connection:
    return make_reporting(tenant)


@pytest.fixture
def message(tenant: Tenant, connection: Connection) -> Message:
    return reached(tenant, connection)
