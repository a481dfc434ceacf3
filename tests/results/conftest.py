"""Somebody enrolled on day 0, thirty days before now."""

from collections.abc import Callable
from typing import Any

import pytest

from campaigns.audience.experiment_models import Arm
from campaigns.planning.models import Campaign, Enrolment
from tenants.accounts.models import Tenant
from tests.factories import make_campaign, make_contact, make_enrolment, make_episode


@pytest.fixture
def campaign(tenant: Tenant) -> Campaign:
    return make_campaign(tenant, window_days=60)


@pytest.fixture
def enrolled(tenant: Tenant, campaign: Campaign) -> Callable[..., Enrolment]:
    """Somebody whose lapse was opened, and who was enrolled, on day 0."""

    def make(arm: str = Arm.TREATED, **fields: Any) -> Enrolment:
        return make_enrolment(make_episode(make_contact(tenant)), campaign, arm, **fields)

    return make
