"""The installation's keys outlive every roll-back, are one in all processes, and are never quietly replaced."""

import os
import subprocess
import sys

import pytest
from django.core.management import call_command
from django.db import transaction

from campaigns.audience.addresses import address_hmac
from tenants.accounts.installation_keys import (
    PURPOSES,
    MissingInstallationKey,
    installation_key,
    make_installation_keys,
)
from tenants.accounts.models import InstallationKey
from tests import factories
from tests.faults import world
from winback.encryption import decrypt
from winback.tenancy import acting_for, acting_for_all

ELSEWHERE = """
import django
django.setup()
from tenants.accounts.installation_keys import PURPOSES, installation_key, make_installation_keys
make_installation_keys()
print(*(installation_key(purpose).hex() for purpose in PURPOSES))
"""


def forget_keys() -> None:
    InstallationKey.objects.all().delete()
    installation_key.cache_clear()


def start_elsewhere() -> "subprocess.Popen[str]":
    environment = {**os.environ, "DATABASE_URL": world.database_url(), "DJANGO_SETTINGS_MODULE": "winback.settings"}
    return subprocess.Popen(
        [sys.executable, "-c", ELSEWHERE], cwd=world.ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )


@pytest.mark.django_db
def test_every_key_is_there_with_the_database() -> None:
    assert set(InstallationKey.objects.values_list("purpose", flat=True)) == set(PURPOSES)
    assert {len(installation_key(purpose)) for purpose in PURPOSES} == {32}


@pytest.mark.django_db(transaction=True)
def test_a_digest_made_in_a_transaction_that_is_rolled_back_is_made_again_alike() -> None:
    installation_key.cache_clear()
    with acting_for_all("test set-up"):
        tenant = factories.make_tenant()

    with acting_for(tenant.pk):
        first = address_hmac("ann@example.com")
        transaction.set_rollback(True)

    kept = installation_key("address")
    assert kept == decrypt(bytes(InstallationKey.objects.get(purpose="address").secret))
    installation_key.cache_clear()  # as in a process that starts now
    assert (address_hmac("ann@example.com"), installation_key("address")) == (first, kept)


@pytest.mark.django_db(transaction=True)
def test_no_key_is_made_in_a_transaction_that_could_be_rolled_back() -> None:
    forget_keys()

    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        make_installation_keys()

    assert not InstallationKey.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_processes_that_make_them_at_once_have_the_same_ones() -> None:
    forget_keys()

    both = [start_elsewhere(), start_elsewhere()]
    told = [process.communicate(timeout=60)[0].split() for process in both]

    assert told[0] == told[1] == [installation_key(purpose).hex() for purpose in PURPOSES]


@pytest.mark.django_db(transaction=True)
def test_migrate_makes_what_is_missing_and_leaves_what_is_there() -> None:
    address = installation_key("address")
    InstallationKey.objects.filter(purpose="link").delete()

    call_command("migrate", verbosity=0)
    link = installation_key("link")
    call_command("migrate", verbosity=0)

    assert (installation_key("address"), installation_key("link")) == (address, link)


@pytest.mark.django_db(transaction=True)
def test_an_emptied_database_has_new_ones_that_this_process_uses() -> None:
    old = installation_key("address")

    call_command("flush", verbosity=0, interactive=False)

    assert installation_key("address") != old
    assert installation_key("address") == decrypt(bytes(InstallationKey.objects.get(purpose="address").secret))


@pytest.mark.django_db
def test_a_key_that_is_not_there_is_an_error_that_says_what_to_do_and_is_not_remembered() -> None:
    kept = list(InstallationKey.objects.all())
    forget_keys()

    with pytest.raises(MissingInstallationKey, match=r"no installation key 'address' \(1\): run `manage.py migrate`"):
        address_hmac("ann@example.com")

    InstallationKey.objects.bulk_create(kept)
    assert address_hmac("ann@example.com")


@pytest.mark.django_db
def test_a_lost_key_is_not_replaced_where_there_are_tenants_unless_that_is_meant() -> None:
    with acting_for_all("test set-up"):
        factories.make_tenant()
    forget_keys()

    with pytest.raises(MissingInstallationKey, match="from the backup"):
        make_installation_keys()
    assert not InstallationKey.objects.exists()

    assert make_installation_keys(anew=True) == list(PURPOSES)
    installation_key.cache_clear()
