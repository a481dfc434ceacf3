"""Variants share the recipients of a step by weight; one without weight would share by nothing."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.forms import modelform_factory

from campaigns.planning.models import Step, Variant
from tenants.accounts.models import Tenant
from tests import factories


@pytest.fixture
def variant(tenant: Tenant) -> Variant:
    step = Step.objects.for_tenant(tenant).filter(campaign=factories.make_campaign(tenant)).order_by("position").first()
    found: Variant | None = Variant.objects.for_tenant(tenant).filter(step=step).order_by("pk").first()
    assert found is not None
    return found


def test_a_weight_of_nothing_is_refused_in_words(variant: Variant) -> None:
    form = modelform_factory(Variant, fields=["code", "weight"])({"code": "a", "weight": "0"}, instance=variant)

    assert form.errors["weight"] == ["A weight is 1 or more: with 0 nobody would get these words."]
    with pytest.raises(ValidationError, match="1 or more"):
        variant.full_clean()  # the form has put it on the row


@pytest.mark.parametrize("weight", [0, -1])
def test_the_database_holds_it_whoever_writes(variant: Variant, weight: int) -> None:
    with pytest.raises(IntegrityError, match="weight"), transaction.atomic():
        Variant.objects.filter(pk=variant.pk).update(weight=weight)


@pytest.mark.parametrize("weight", [1, 32_767])
def test_every_other_weight_will_do(variant: Variant, weight: int) -> None:
    form = modelform_factory(Variant, fields=["code", "weight"])({"code": "a", "weight": weight}, instance=variant)

    assert form.is_valid()
    assert form.save().weight == weight
