"""What is done about a lapse: campaigns, their steps and variants, offers, enrolments, and messages as planned rows."""

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Case, Q, Value, When

from campaigns.audience.experiment_models import Arm, DormancyEpisode
from campaigns.audience.models import Channel, Contact, Household
from catalog.models import MessageTemplate
from tenants.accounts.models import Brand
from tenants.accounts.scoping import TenantForeignKey, TenantScoped, TenantScopedByItsKeys
from tenants.activation.models import ModuleActivation
from tenants.connections.models import Connection


class Offer(TenantScoped):
    """A reason to come back that costs something: kind, value, cost, code, expiry, terms."""

    class Kind(models.TextChoices):
        PERCENT = "percent", "Percent off"
        AMOUNT = "amount", "Amount off"
        ADD_ON = "add_on", "Free add-on"

    code = models.SlugField(db_index=False)
    name = models.CharField(max_length=200, help_text="As the customer reads it, such as “$25 off your next visit”.")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    percent = models.DecimalField(max_digits=5, decimal_places=2, null=True, blank=True)
    value_minor = models.BigIntegerField(null=True, blank=True, help_text="In the smallest unit of the currency.")
    cost_minor = models.BigIntegerField(default=0, help_text="What one redemption costs you, smallest unit.")
    coupon = models.CharField(max_length=60, blank=True, help_text="The code the customer gives, the same for all.")
    expires_on = models.DateField(null=True, blank=True)
    terms = models.TextField(blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "code"], name="offer_code")]

    def __str__(self) -> str:
        return self.name


class Campaign(TenantScoped):
    """What winback does for one module of a tenant; made from the module's workflow definition."""

    class State(models.TextChoices):
        DRAFT = "draft"
        RUNNING = "running"
        PAUSED = "paused"
        FINISHED = "finished"

    code = models.SlugField(db_index=False)
    name = models.CharField(max_length=200)
    activation = TenantForeignKey(ModuleActivation)
    brand = TenantForeignKey(Brand)
    offer = TenantForeignKey(Offer, null=True, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    state_reason = models.CharField(max_length=300, blank=True)
    workflow_code = models.CharField(max_length=80)
    workflow_version = models.PositiveIntegerField(help_text="What new enrolments start with.")
    window_days = models.PositiveSmallIntegerField(help_text="Days after the first step that count as coming back.")
    launched_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "code"], name="campaign_code")]

    def __str__(self) -> str:
        return self.name


class Step(TenantScoped):
    """One step of one version of a campaign's workflow."""

    campaign = TenantForeignKey(Campaign, related_name="steps")
    workflow_version = models.PositiveIntegerField()
    code = models.SlugField(db_index=False)
    position = models.PositiveSmallIntegerField(help_text="From 0.")
    day = models.PositiveSmallIntegerField(help_text="Days after enrolment.")
    channel = models.CharField(max_length=10, choices=Channel.choices)
    fallback_channel = models.CharField(max_length=10, choices=Channel.choices, blank=True)
    with_offer = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "campaign", "workflow_version", "code"], name="step_code"),
            models.UniqueConstraint(
                fields=["tenant", "campaign", "workflow_version", "position"], name="step_position"
            ),
        ]

    def __str__(self) -> str:
        return self.code


NO_WEIGHT = "A weight is 1 or more: with 0 nobody would get these words."


class Variant(TenantScoped):
    """The words of a step over a channel; several share the step's recipients by weight."""

    step = TenantForeignKey(Step, related_name="variants")
    code = models.SlugField(default="a", db_index=False)
    channel = models.CharField(max_length=10, choices=Channel.choices)
    weight = models.PositiveSmallIntegerField(
        default=100,
        validators=[MinValueValidator(1, message=NO_WEIGHT)],
        help_text="Its share of the recipients, beside the weights of the others.",
    )
    template = models.ForeignKey(MessageTemplate, on_delete=models.PROTECT, related_name="+", db_index=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "step", "channel", "code"], name="variant_code"),
            models.CheckConstraint(
                condition=Q(weight__gte=1), name="variant_has_weight", violation_error_message=NO_WEIGHT
            ),
        ]

    def __str__(self) -> str:
        return self.code


class Enrolment(TenantScopedByItsKeys):
    """One episode in one campaign: its arm, its place in the sequence, and why it ended."""

    class State(models.TextChoices):
        ACTIVE = "active"
        ENDED = "ended"

    class EndedBy(models.TextChoices):
        BOOKING = "booking"
        BUSINESS = "business"
        REPLY = "reply"
        OPT_OUT = "opt_out"
        DO_NOT_CONTACT = "do_not_contact"
        EXHAUSTED = "exhausted"
        EPISODE_CLOSED = "episode_closed"
        STAFF = "staff"

    campaign = TenantForeignKey(Campaign, related_name="enrolments")
    episode = TenantForeignKey(DormancyEpisode, related_name="enrolments")
    contact = TenantForeignKey(Contact, related_name="enrolments")
    arm = models.CharField(max_length=10, choices=Arm.choices)
    workflow_version = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.ACTIVE)
    position = models.PositiveSmallIntegerField(default=0, help_text="The step that comes next.")
    next_action_at = models.DateTimeField(null=True)
    enrolled_at = models.DateTimeField(help_text="Day 0: when the first step falls due, for both arms alike.")
    ended_at = models.DateTimeField(null=True)
    ended_by = models.CharField(max_length=20, choices=EndedBy.choices, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "episode", "campaign"], name="enrolment_one_an_episode"),
        ]
        indexes = [
            models.Index(fields=["tenant", "contact", "-enrolled_at"], name="enrolment_of_contact"),
            models.Index(fields=["tenant", "next_action_at"], name="enrolment_due", condition=Q(state="active")),
            models.Index(fields=["tenant", "campaign", "enrolled_at"], name="enrolment_of_campaign"),
        ]

    def __str__(self) -> str:
        return f"enrolment {self.pk}"


class Message(TenantScopedByItsKeys):
    """One planned touch to one contact over one channel: a state machine (house.md, A message's life)."""

    class State(models.TextChoices):
        PLANNED = "planned"
        POSTPONED = "postponed"
        CLAIMED = "claimed"
        HANDING_OVER = "handing_over"
        HANDED_OVER = "handed_over"
        DELIVERED = "delivered"
        BOUNCED = "bounced"
        COMPLAINED = "complained"
        BLOCKED = "blocked"
        FAILED = "failed"
        GHOST = "ghost"
        CANCELLED = "cancelled"
        UNKNOWN = "unknown"

    class Queue(models.TextChoices):
        DUE = "due"
        LEASED = "leased"
        UNKNOWN = "unknown"

    campaign = TenantForeignKey(Campaign, related_name="messages")
    enrolment = TenantForeignKey(Enrolment, related_name="messages")
    contact = TenantForeignKey(Contact, related_name="messages")
    household = TenantForeignKey(Household)
    step = TenantForeignKey(Step)
    step_code = models.CharField(max_length=50)
    channel = models.CharField(max_length=10, choices=Channel.choices)
    variant = TenantForeignKey(Variant, null=True)
    offer = TenantForeignKey(Offer, null=True)
    arm = models.CharField(max_length=10, choices=Arm.choices, help_text="Held out: a ghost, never handed over.")
    state = models.CharField(max_length=14, choices=State.choices, default=State.PLANNED)
    reason = models.CharField(max_length=60, blank=True, help_text="The code of what blocked, postponed or ended it.")
    due_at = models.DateTimeField()
    first_due_at = models.DateTimeField(help_text="When it was due before anything postponed it.")
    verdicts = models.JSONField(
        default=list, help_text="Every guard asked: [{guard, version, allowed, reason, facts, at, when}]."
    )
    claim_token = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    connection = TenantForeignKey(Connection, null=True)
    provider_id = models.CharField(max_length=200, blank=True)
    address_hmac = models.TextField(null=True, editable=False, help_text="Digest of the address that it went to.")
    subject = models.CharField(max_length=300, blank=True, help_text="As rendered.")
    content_sha256 = models.CharField(max_length=64, blank=True, help_text="Of the rendered bytes.")
    segments = models.PositiveSmallIntegerField(null=True)
    cost_minor = models.BigIntegerField(default=0)
    error = models.CharField(max_length=300, blank=True)
    planned_at = models.DateTimeField()
    handed_over_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True, help_text="When it reached its present state.")
    next_look_up_at = models.DateTimeField(null=True, help_text="When its provider is asked again what became of it.")
    queue = models.GeneratedField(
        expression=Case(
            When(state__in=["planned", "postponed"], then=Value("due")),
            When(state__in=["claimed", "handing_over"], then=Value("leased")),
            When(state="unknown", then=Value("unknown")),
        ),
        output_field=models.CharField(max_length=7, null=True, choices=Queue.choices),
        db_persist=True,
        help_text="Where it stands in line; empty once it is settled.",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "enrolment", "step_code"], name="message_one_a_step"),
        ]
        # No index may name the state, the lease or the verdicts: a change of what is in no index is written in place
        # (a HOT update), and most of what happens to a message is such a change.
        indexes = [
            models.Index(
                fields=["tenant", "queue", "campaign", "due_at", "id"],
                name="message_in_line",
                condition=Q(queue__isnull=False),
            ),
            models.Index(fields=["tenant", "contact", "-due_at"], name="message_of_contact"),
            models.Index(fields=["tenant", "campaign", "-due_at"], name="message_of_campaign"),
            # Reports of providers that do not carry our reference name their own id.
            models.Index(fields=["tenant", "provider_id"], name="message_provider_id", condition=~Q(provider_id="")),
        ]

    def __str__(self) -> str:
        words = self.step_code.replace("_", " ").capitalize()
        return f"{words} by {'text' if self.channel == Channel.SMS else 'e-mail'}"
