"""Who may do what: users, their memberships with a role, and keys for programs."""

from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.db import models

from tenants.accounts.scoping import TenantScoped


class User(AbstractUser):
    """A person who signs in. Platform staff are superusers; everybody else sees tenants through memberships."""

    email = models.EmailField("e-mail", unique=True)

    def __str__(self) -> str:
        return self.email or self.username


class Membership(TenantScoped):
    """A person's role in one tenant."""

    class Role(models.TextChoices):
        OWNER = "owner"
        MANAGER = "manager"
        OPERATOR = "operator"
        ANALYST = "analyst"

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=20, choices=Role.choices)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "user"], name="membership_one_a_tenant")]

    def __str__(self) -> str:
        return f"{self.user} ({self.role})"


class ApiKey(TenantScoped):
    """A key for a program: only its digest is kept, the key itself is shown once."""

    name = models.CharField(max_length=120)
    prefix = models.CharField(max_length=40, help_text="The readable start of the key, to tell keys apart.")
    digest = models.CharField(max_length=64, help_text="SHA-256 of the whole key, which has 256 random bits.")
    scopes = ArrayField(models.CharField(max_length=40), default=list)
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "API key"
        constraints = [models.UniqueConstraint(fields=["tenant", "prefix"], name="apikey_prefix")]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class IdempotentRequest(TenantScoped):
    """What a POST with an Idempotency-Key answered, so that the same key answers the same."""

    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of method, path and body.")
    status = models.PositiveSmallIntegerField(null=True)
    body = models.JSONField(null=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "key"], name="idempotent_request_key")]

    def __str__(self) -> str:
        return self.key
