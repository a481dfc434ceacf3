"""The index of the rooms' models."""

from campaigns.audience.experiment_models import Arm, Assignment, DormancyEpisode
from campaigns.audience.models import (
    Channel,
    Consent,
    Contact,
    ContactStat,
    ContactTag,
    Household,
    ImportBatch,
    Job,
    Suppression,
)
from campaigns.audience.platform_models import PlatformSuppression
from campaigns.compliance.models import DomainRamp, RecipientDomain, Touch
from campaigns.delivery.models import TrackedLink
from campaigns.operating.erasure_models import Erasure, Host
from campaigns.operating.models import ScheduledTask, SimulatedDay
from campaigns.planning.models import Campaign, Enrolment, Message, Offer, Step, Variant
from campaigns.results.models import Reactivation
from campaigns.tracking.models import BookingRequest, InboxItem, Interaction
from campaigns.tracking.thread_models import Conversation, ThreadText

__all__ = [
    "Arm",
    "Assignment",
    "BookingRequest",
    "Campaign",
    "Channel",
    "Consent",
    "Contact",
    "ContactStat",
    "ContactTag",
    "Conversation",
    "DomainRamp",
    "DormancyEpisode",
    "Enrolment",
    "Erasure",
    "Host",
    "Household",
    "ImportBatch",
    "InboxItem",
    "Interaction",
    "Job",
    "Message",
    "Offer",
    "PlatformSuppression",
    "Reactivation",
    "RecipientDomain",
    "ScheduledTask",
    "SimulatedDay",
    "Step",
    "Suppression",
    "ThreadText",
    "Touch",
    "TrackedLink",
    "Variant",
]
