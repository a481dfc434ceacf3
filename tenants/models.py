"""The index of the rooms' models."""

from tenants.access.models import ApiKey, IdempotentRequest, Membership, User
from tenants.accounts.models import Brand, InstallationKey, Tenant
from tenants.activation.models import ModuleActivation
from tenants.connections.models import CapabilityEvidence, Connection, DataEvidence, SendingDomain
from tenants.journal.models import AuditEntry, Checkpoint, Event, Task
from tenants.plans.models import Usage
from tenants.webhooks.models import WebhookDelivery, WebhookEndpoint

__all__ = [
    "ApiKey",
    "AuditEntry",
    "Brand",
    "CapabilityEvidence",
    "Checkpoint",
    "Connection",
    "DataEvidence",
    "Event",
    "IdempotentRequest",
    "InstallationKey",
    "Membership",
    "ModuleActivation",
    "SendingDomain",
    "Task",
    "Tenant",
    "Usage",
    "User",
    "WebhookDelivery",
    "WebhookEndpoint",
]
