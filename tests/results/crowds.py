"""People made, enrolled and brought back many at a time."""

from datetime import datetime, timedelta

from campaigns.audience.experiment_models import DormancyEpisode
from campaigns.audience.models import Contact, Household
from campaigns.planning.models import Campaign, Enrolment
from tenants.accounts.models import Tenant
from tests.factories import NOW, make_job

DAY = timedelta(days=1)


def make_people(tenant: Tenant, names: list[str]) -> list[Contact]:
    """A contact of each name, in a household of its own."""
    homes = Household.objects.bulk_create(Household(tenant=tenant, key=name, created_at=NOW) for name in names)
    made: list[Contact] = Contact.objects.bulk_create(
        Contact(tenant=tenant, household=home, external_id=home.key, created_at=NOW, updated_at=NOW) for home in homes
    )
    return made


def enrol_many(
    campaign: Campaign, arm: str, number: int, *, returning: int = 0, at: datetime = NOW, amount: int = 10_000
) -> list[Enrolment]:
    """That many enrolments of one arm; the first ``returning`` of them come back five days later."""
    tenant = campaign.tenant
    contacts = make_people(tenant, [f"{arm}-{at:%j}-{amount}-{n}" for n in range(number)])
    episodes = DormancyEpisode.objects.bulk_create(
        DormancyEpisode(
            tenant=tenant, contact=contact, lapsed_from=at - 200 * DAY, cohort_months=6, cohort_at=at, opened_at=at
        )
        for contact in contacts
    )
    enrolments: list[Enrolment] = Enrolment.objects.bulk_create(
        Enrolment(
            tenant=tenant,
            campaign=campaign,
            episode=episode,
            contact=contact,
            arm=arm,
            workflow_version=1,
            enrolled_at=at,
        )
        for contact, episode in zip(contacts, episodes, strict=True)
    )
    for contact in contacts[:returning]:
        make_job(contact, at + 5 * DAY, amount_minor=amount)
    return enrolments
