"""What can be offered, the same for every tenant. The content lives in catalog/data and is loaded by sync_catalog."""

from django.db import models


class CatalogEntry(models.Model):
    """A named piece of catalog content with the checksum of the file it came from."""

    code = models.CharField(max_length=80, primary_key=True)
    name = models.CharField(max_length=200)
    content = models.JSONField(default=dict)
    checksum = models.CharField(max_length=64)
    synced_at = models.DateTimeField()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name


class Niche(CatalogEntry):
    """A kind of business: its service clocks, thresholds and message angle."""


class Plan(CatalogEntry):
    """What is sold: limits and features. ``content``: price, limits {feature: number or null}, features [code]."""

    position = models.PositiveSmallIntegerField(default=0)


class Guard(CatalogEntry):
    """A rule over outgoing messages: its id, version, and what it asks (the code stands in campaigns.compliance)."""


class Module(CatalogEntry):
    """Something a tenant can switch on. ``content`` is its whole record, as the API gives it."""

    class Status(models.TextChoices):
        SPEC = "spec"
        GUIDED = "guided"
        LIVE = "live"
        SUSPENDED = "suspended"
        RETIRED = "retired"

    version = models.PositiveIntegerField()
    status = models.CharField(max_length=20, choices=Status.choices)


class VersionedEntry(models.Model):
    """A piece of catalog content of which every version is kept: what was sent must stay readable."""

    code = models.CharField(max_length=80)
    version = models.PositiveIntegerField()
    name = models.CharField(max_length=200)
    content = models.JSONField(default=dict)
    checksum = models.CharField(max_length=64)
    synced_at = models.DateTimeField()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.code} v{self.version}"


class Workflow(VersionedEntry):
    """A sequence of steps. ``content``: steps [{code, day, channel, fallback, template, offer}]."""

    class Meta(VersionedEntry.Meta):
        abstract = False
        constraints = [models.UniqueConstraint(fields=["code", "version"], name="workflow_version")]


class MessageTemplate(VersionedEntry):
    """Words of one step over one channel, in Liquid; e-mail bodies in MJML."""

    channel = models.CharField(max_length=20)
    subject = models.TextField(blank=True)
    preheader = models.TextField(blank=True)
    mjml = models.TextField(blank=True)
    text = models.TextField()

    class Meta(VersionedEntry.Meta):
        abstract = False
        constraints = [models.UniqueConstraint(fields=["code", "channel", "version"], name="message_template_version")]


class QuietHoursRule(models.Model):
    """When a channel may be used in a jurisdiction: a dated row with its source; the strictest one holds."""

    code = models.CharField(max_length=80, primary_key=True)
    channel = models.CharField(max_length=20)
    country = models.CharField(max_length=2, blank=True, help_text="Empty: everywhere.")
    region = models.CharField(max_length=16, blank=True, help_text="Empty: the whole country.")
    weekday = models.PositiveSmallIntegerField(help_text="0 is Monday, 7 a public holiday there.")
    opens = models.TimeField(null=True, help_text="Local time of the recipient; empty: closed all day.")
    closes = models.TimeField(null=True)
    valid_from = models.DateField()
    valid_to = models.DateField(null=True)
    source = models.CharField(max_length=300)
    checksum = models.CharField(max_length=64)

    def __str__(self) -> str:
        return self.code
