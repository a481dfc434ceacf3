"""The experiment about people: on which side each one is, and each lapse, the unit of counting."""

from django.db import models
from django.db.models import Q

from campaigns.audience.models import Contact
from tenants.accounts.scoping import TenantForeignKey, TenantScopedByItsKeys


class Arm(models.TextChoices):
    """Which side of the experiment a contact is on."""

    TREATED = "treated"
    HELD_OUT = "held_out"


class Assignment(TenantScopedByItsKeys):
    """The arm of a contact for its tenant's holdout: drawn once, permanent, never recomputed."""

    contact = TenantForeignKey(Contact)
    household_key = models.CharField(max_length=64)
    share = models.PositiveIntegerField(help_text="The held-out share at the draw, in hundredths of a percent.")
    arm = models.CharField(max_length=10, choices=Arm.choices)
    drawn_at = models.DateTimeField()
    merged_across_arms = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "contact"], name="assignment_once")]

    def __str__(self) -> str:
        return self.arm


class DormancyEpisode(TenantScopedByItsKeys):
    """One lapse of one contact: the unit of counting everywhere."""

    class State(models.TextChoices):
        OPEN = "open"
        CLOSED = "closed"

    class ClosedBy(models.TextChoices):
        BUSINESS = "business"
        ERASED = "erased"
        MERGED = "merged"
        GIVEN_UP = "given_up"
        CORRECTED = "corrected"  # a late or changed job showed that this lapse never was

    contact = TenantForeignKey(Contact, related_name="episodes")
    lapsed_from = models.DateTimeField(help_text="The last counted job when it opened.")
    cohort_months = models.PositiveSmallIntegerField()
    cohort_at = models.DateTimeField(help_text="When it entered this cohort.")
    state = models.CharField(max_length=10, choices=State.choices, default=State.OPEN)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    closed_by = models.CharField(max_length=20, choices=ClosedBy.choices, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "contact", "lapsed_from"], name="episode_one_a_lapse"),
            models.UniqueConstraint(fields=["tenant", "contact"], condition=Q(state="open"), name="episode_one_open"),
        ]
        indexes = [
            models.Index(
                fields=["tenant", "-lapsed_from", "id"], name="episode_open_latest_first", condition=Q(state="open")
            )
        ]

    def __str__(self) -> str:
        return f"lapse of contact {self.contact_id} since {self.lapsed_from:%Y-%m-%d}"
