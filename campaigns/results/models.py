"""What it brought in: one reactivation an enrolment, for both arms alike."""

from django.db import models

from campaigns.audience.experiment_models import Arm, DormancyEpisode
from campaigns.audience.models import Contact, Job
from campaigns.planning.models import Campaign, Enrolment
from tenants.accounts.scoping import TenantForeignKey, TenantScoped


class Reactivation(TenantScoped):
    """The first counted job within the window after day 0 of an enrolment, with its money; a job counts once."""

    enrolment = TenantForeignKey(Enrolment)
    campaign = TenantForeignKey(Campaign)
    episode = TenantForeignKey(DormancyEpisode)
    contact = TenantForeignKey(Contact)
    job = TenantForeignKey(Job)
    arm = models.CharField(max_length=10, choices=Arm.choices)
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    assigned_at = models.DateTimeField(help_text="Day 0 of the enrolment.")
    reactivated_at = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "enrolment"], name="reactivation_one_an_enrolment"),
            models.UniqueConstraint(fields=["tenant", "job"], name="reactivation_job_counts_once"),
        ]
        indexes = [models.Index(fields=["tenant", "campaign", "assigned_at"], name="reactivation_of_campaign")]

    def __str__(self) -> str:
        return f"reactivation {self.pk}"
