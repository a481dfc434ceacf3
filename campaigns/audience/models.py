"""Who could be won back: contacts, households, jobs, tags, consent, suppression, and the files they came from."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from tenants.accounts.models import Brand
from tenants.accounts.scoping import TenantForeignKey, TenantScoped, TenantScopedByItsKeys


class Channel(models.TextChoices):
    """How a person can be written to."""

    EMAIL = "email"
    SMS = "sms"


class Household(TenantScoped):
    """Contacts at one address or sharing e-mail or phone: caps are counted here."""

    key = models.CharField(max_length=64, help_text="Stable: the external id (or row id) of its first contact.")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "key"], name="household_key")]

    def __str__(self) -> str:
        return self.key


class Contact(TenantScopedByItsKeys):
    """A person (or company) that has bought from a tenant.

    The ``…_key`` columns are normalised text compared with plain ``=`` (under row-level security an index serves no
    other operator); the ``…_hmac`` columns are the keyed digests that suppressions are matched by.
    """

    class State(models.TextChoices):
        ACTIVE = "active"
        MERGED = "merged"
        ERASED = "erased"

    external_id = models.CharField(max_length=200, null=True, blank=True)
    household = TenantForeignKey(Household)
    state = models.CharField(max_length=10, choices=State.choices, default=State.ACTIVE)
    merged_into = TenantForeignKey("campaigns.Contact", null=True, blank=True)
    email = models.CharField(max_length=254, blank=True)
    phone = models.CharField(max_length=32, blank=True, help_text="E.164.")
    first_name = models.CharField(max_length=200, blank=True)
    last_name = models.CharField(max_length=200, blank=True)
    company = models.CharField(max_length=200, blank=True)
    address = models.CharField(max_length=300, blank=True)
    city = models.CharField(max_length=200, blank=True)
    region = models.CharField(max_length=60, blank=True)
    postal_code = models.CharField(max_length=20, blank=True)
    country = models.CharField(max_length=2, blank=True)
    timezone = models.CharField(max_length=64, blank=True, help_text="Stated, or found from region, postcode, number.")
    timezones = ArrayField(
        models.CharField(max_length=64), default=list, help_text="Every zone that is possible: quiet hours ask all."
    )
    acquired_on = models.DateField(null=True, blank=True)
    acquisition_channel = models.CharField(max_length=120, blank=True)
    attributes = models.JSONField(default=dict, blank=True)
    email_key = models.TextField(null=True, editable=False)
    phone_key = models.TextField(null=True, editable=False)
    address_key = models.TextField(null=True, editable=False)
    name_key = models.TextField(default="", editable=False)
    email_hmac = models.TextField(null=True, editable=False)
    phone_hmac = models.TextField(null=True, editable=False)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "external_id"], name="contact_external_id"),
        ]
        indexes = [
            models.Index(fields=["tenant", "email_key"], name="contact_email", condition=Q(email_key__isnull=False)),
            models.Index(fields=["tenant", "phone_key"], name="contact_phone", condition=Q(phone_key__isnull=False)),
            models.Index(fields=["tenant", "name_key"], name="contact_name"),
            models.Index(fields=["tenant", "household"], name="contact_household"),
            models.Index(
                fields=["tenant", "address_key"], name="contact_address", condition=Q(address_key__isnull=False)
            ),
            # Whom a contact has taken in: results follow the person, not the row.
            models.Index(
                fields=["tenant", "merged_into"], name="contact_merged", condition=Q(merged_into__isnull=False)
            ),
            # Whether there is anybody whom an import must not bring back.
            models.Index(fields=["tenant", "id"], name="contact_erased", condition=Q(state="erased")),
        ]

    def __str__(self) -> str:
        if self.state == self.State.ERASED:
            return f"Erased contact {self.pk}"
        name = f"{self.first_name} {self.last_name}".strip() or self.company
        return name or self.email or self.phone or self.external_id or f"contact {self.pk}"


class ContactStat(TenantScopedByItsKeys):
    """What a contact's jobs add up to, and when the scan must look again: a narrow row, rewritten often.

    Every writer of a fact that the scan reads pulls ``next_scan_at`` forward in the same transaction; null means
    that only a new fact can change the answer.
    """

    contact = models.OneToOneField(
        Contact, on_delete=models.CASCADE, primary_key=True, db_constraint=False, related_name="stat"
    )
    first_job_at = models.DateTimeField(null=True)
    last_job_at = models.DateTimeField(null=True)
    last_job_id = models.BigIntegerField(null=True)
    last_service = models.CharField(max_length=200, blank=True)
    job_count = models.IntegerField(default=0)
    total_minor = models.BigIntegerField(default=0)
    scheduled_at = models.DateTimeField(null=True, help_text="The last job still ahead, if any.")
    next_scan_at = models.DateTimeField(null=True)
    not_open_reason = models.CharField(max_length=40, blank=True, help_text="Why no episode is open; empty: one is.")

    class Meta:
        indexes = [
            models.Index(fields=["tenant", "last_job_at"], name="contact_stat_last_job"),
            # The scan's queue over all tenants: the one kind of index that may begin without the tenant.
            models.Index(
                fields=["next_scan_at"], name="contact_stat_due_for_scan", condition=Q(next_scan_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"stat of contact {self.contact_id}"


class ContactTag(TenantScopedByItsKeys):
    """One tag on one contact, with who put it there; ``winback:*`` tags are managed, all others are the operator's."""

    contact = TenantForeignKey(Contact, related_name="tags")
    name = models.CharField(max_length=80, help_text="Trimmed and lower case.")
    source = models.CharField(max_length=60)
    added_at = models.DateTimeField(null=True, help_text="Null: an import that gave no time.")
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "contact", "name"], name="contact_tag_once")]
        indexes = [models.Index(fields=["tenant", "name"], name="contact_tag_name")]

    def __str__(self) -> str:
        return self.name


class Job(TenantScopedByItsKeys):
    """One piece of business: a service job, an order, a renewal. Only ``completed`` counts as business."""

    class Status(models.TextChoices):
        COMPLETED = "completed"
        SCHEDULED = "scheduled"
        CANCELLED = "cancelled"
        REFUNDED = "refunded"

    contact = TenantForeignKey(Contact, related_name="jobs")
    external_id = models.CharField(max_length=200)
    completed_at = models.DateTimeField(help_text="For a scheduled job: when it is due.")
    amount_minor = models.BigIntegerField(default=0)
    currency = models.CharField(max_length=3)
    service = models.CharField(max_length=200, blank=True)
    status = models.CharField(max_length=10, choices=Status.choices)
    items = models.JSONField(default=list, blank=True)
    location = models.CharField(max_length=200, blank=True)
    attributes = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "external_id"], name="job_external_id")]
        indexes = [
            models.Index(fields=["tenant", "contact", "completed_at"], name="job_of_contact"),
            models.Index(fields=["tenant", "completed_at"], name="job_by_time"),
            models.Index(fields=["tenant", "updated_at"], name="job_changed"),
        ]

    def __str__(self) -> str:
        return self.external_id


class Consent(TenantScopedByItsKeys):
    """A fact on permission, for a channel and purpose, with its evidence. Never changed or deleted (a trigger refuses).

    Of ``given`` and ``withdrawn`` the latest wins. The other two are grounds on which some countries allow writing for
    a while; neither revives what was withdrawn.
    """

    class State(models.TextChoices):
        GIVEN = "given"
        WITHDRAWN = "withdrawn"
        SOFT_OPT_IN = "soft_opt_in"  # bought, and was offered to refuse when the address was collected
        INQUIRED = "inquired"  # asked about something, and has not bought

    MARKETING = "marketing"
    TRACKING = "tracking"  # following opens of and clicks in e-mails: a yes or a no, over the channel e-mail

    contact = TenantForeignKey(Contact, related_name="consents")
    channel = models.CharField(max_length=10, choices=Channel.choices)
    purpose = models.CharField(
        max_length=20, default=MARKETING, db_default=MARKETING, help_text="What it was given for."
    )
    state = models.CharField(max_length=12, choices=State.choices)
    stated_at = models.DateTimeField(null=True, help_text="When the person said so; null: not known.")
    source = models.CharField(max_length=300, blank=True)
    wording = models.TextField(blank=True, help_text="What the person agreed to, word for word.")
    evidence = models.JSONField(
        default=dict, blank=True, help_text="Such as ip, user_agent, form, document: what could be shown to a court."
    )
    recorded_at = models.DateTimeField()
    recorded_by = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["tenant", "contact", "channel", "-id"], name="consent_latest"),
            # Few inquired; whose permission that opened ends soon is found among them alone.
            models.Index(fields=["tenant", "stated_at"], name="consent_inquired", condition=Q(state="inquired")),
        ]

    def __str__(self) -> str:
        return f"{self.TRACKING if self.purpose == self.TRACKING else self.channel} {self.state}"


class Suppression(TenantScoped):
    """Why an address may not be written to, by its keyed digest, so that it outlives the contact."""

    ALL_CHANNELS = "all"

    channel = models.CharField(max_length=10, choices=[*Channel.choices, (ALL_CHANNELS, "All channels")])
    address_hmac = models.CharField(max_length=64)
    brand = TenantForeignKey(Brand, null=True, blank=True, help_text="Empty: every brand of the tenant.")
    reason = models.CharField(max_length=40)
    source = models.CharField(max_length=200, blank=True)
    contact_id = models.BigIntegerField(null=True, help_text="Whose it was; no key, for it outlives the contact.")
    occurred_at = models.DateTimeField()
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.CharField(max_length=200, blank=True)
    lifted_note = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                F("tenant"),
                F("address_hmac"),
                F("channel"),
                F("brand"),
                condition=Q(lifted_at__isnull=True),
                name="suppression_in_force",
                nulls_distinct=False,
            )
        ]

    def __str__(self) -> str:
        return f"{self.channel}: {self.reason}"


class ImportBatch(TenantScoped):
    """One file being imported, with the place from which it can go on."""

    class State(models.TextChoices):
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    kind = models.CharField(max_length=20)
    file_name = models.CharField(max_length=300)
    sha256 = models.CharField(max_length=64)
    mapping = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    line = models.BigIntegerField(default=0, help_text="The last line of the file that is committed.")
    rows = models.BigIntegerField(default=0)
    created = models.BigIntegerField(default=0)
    updated = models.BigIntegerField(default=0)
    unchanged = models.BigIntegerField(default=0)
    rejected = models.BigIntegerField(default=0)
    rejects_file = models.CharField(max_length=300, blank=True)
    rejects_size = models.BigIntegerField(default=0, help_text="Bytes of it that belong to committed lines.")
    skipped = models.BigIntegerField(default=0)
    error = models.TextField(blank=True)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = "import"
        verbose_name_plural = "imports"
        indexes = [models.Index(fields=["tenant", "-started_at"], name="import_batch_recent")]

    def __str__(self) -> str:
        return self.file_name
