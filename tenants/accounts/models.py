"""Tenant and Brand: the business that pays, and the faces it shows its customers."""

import secrets
from zoneinfo import ZoneInfo

from django.contrib.postgres.fields import ArrayField
from django.db import models

from catalog.models import Niche, Plan
from tenants.accounts.scoping import TenantScoped


def new_salt() -> str:
    """128 random bits that make a tenant's holdout draw its own."""
    return secrets.token_hex(16)


class Tenant(models.Model):
    """A business unit that pays and is isolated from every other.

    It has no row-level security itself: filter its querysets and choices by membership.
    """

    class State(models.TextChoices):
        ACTIVE = "active"
        SUSPENDED = "suspended"

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=200)
    niche = models.ForeignKey(Niche, on_delete=models.PROTECT, related_name="+")
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=20, choices=State.choices, default=State.ACTIVE)
    timezone = models.CharField(max_length=64, help_text="IANA name, such as America/Chicago.")
    country = models.CharField(max_length=2, help_text="ISO 3166 code, such as US.")
    region = models.CharField(max_length=16, blank=True, help_text="State or province, such as TX.")
    currency = models.CharField(max_length=3, help_text="ISO 4217 code, such as USD.")
    legal_name = models.CharField(max_length=200, blank=True)
    postal_address = models.TextField(blank=True, help_text="Stands under every e-mail; the law asks for it.")
    website = models.URLField(blank=True)
    sandbox = models.BooleanField(default=False, help_text="Messages go to the local outbox, never to a person.")
    holdout_salt = models.CharField(max_length=32, default=new_salt, editable=False)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


class Brand(TenantScoped):
    """A face of a tenant: who an e-mail is from, what stands in its footer, and where one books."""

    code = models.SlugField(default="main", db_index=False)
    name = models.CharField(max_length=200)
    legal_name = models.CharField(max_length=200, blank=True)
    postal_address = models.TextField(blank=True)
    sender_name = models.CharField(max_length=120, blank=True)
    sender_email = models.EmailField(blank=True)
    reply_to = models.EmailField(blank=True)
    sms_name = models.CharField(max_length=40, blank=True, help_text="How texts name the business.")
    phone = models.CharField(max_length=32, blank=True)
    website = models.URLField(blank=True)
    booking_url = models.URLField(blank=True, help_text="Your own booking site; empty: the page winback ships.")
    privacy_url = models.URLField(blank=True)
    tracks_clicks = models.BooleanField(
        default=True, help_text="Links in e-mail lead through us, so that clicks are counted."
    )
    tracks_opens = models.BooleanField(
        default=False,
        help_text="E-mails hold an invisible picture that counts opens. Many mailboxes open by themselves.",
    )
    not_followed_in = ArrayField(
        models.CharField(max_length=6),
        default=list,
        blank=True,
        help_text="Countries and regions where nobody is followed, whatever they said: FR, US-CA, or EU for all of it.",
    )
    colour = models.CharField(max_length=7, default="#0f766e", help_text="As #rrggbb.")
    logo_url = models.URLField(blank=True)
    is_default = models.BooleanField(default=True)
    in_use = models.BooleanField(
        default=False, editable=False, help_text="A running campaign sends from it: its domain counts."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "code"], name="brand_code"),
            models.UniqueConstraint(fields=["tenant"], condition=models.Q(is_default=True), name="brand_one_default"),
        ]

    def __str__(self) -> str:
        return self.name


class InstallationKey(models.Model):
    """A secret of this installation, encrypted at rest: for address digests and for the tokens in links.

    It stands in the database, not in the environment, because these keys are never retired: an unsubscribe link must
    work for years, and a suppression must outlive every rotation of the encryption keys.
    """

    purpose = models.CharField(max_length=40)
    number = models.PositiveSmallIntegerField(default=1)
    secret = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["purpose", "number"], name="installation_key")]

    def __str__(self) -> str:
        return f"{self.purpose} {self.number}"
