"""What a tenant's own systems can be told of: the kinds of the journal that make sense outside, and what they say.

A kind's fields are an allow-list: what the journal gains later stays inside until it is named here. Which side of the
experiment a customer is on is told only of those who came back, so that no other system can treat the two differently.
"""

from dataclasses import dataclass

VERSION = 1
"""Of the payload. Fields are added without a new one; what changes its meaning gets a new one."""

TEST = "webhook.test"


@dataclass(frozen=True)
class Kind:
    """One kind of event: its name outside, and in the journal; which facts go along, and which of them are row ids."""

    code: str
    journal: str
    says: str
    fields: tuple[str, ...] = ()
    ids: tuple[tuple[str, str], ...] = ()


_MESSAGE = ("channel", "reason")
_CAMPAIGN = (("campaign", "campaign"),)

_ALL = (
    Kind("customer.dormant", "customer.dormant", "A customer has gone quiet.", ("cohort", "lapsed_from")),
    Kind("customer.lapse_moved", "episode.moved", "A quiet customer has reached a later cohort.", ("cohort",)),
    Kind("customer.lapse_reopened", "episode.reopened", "A lapse is open again.", ("cohort",)),
    Kind(
        "customer.lapse_closed",
        "episode.closed",
        "A lapse is over, and why: business, given_up, erased, merged, corrected.",
        ("by", "cohort"),
    ),
    Kind(
        "customer.reactivated",
        "contact.reactivated",
        "A customer came back within the window; “arm” says whether they were written to or held out.",
        ("arm",),
        (*_CAMPAIGN, ("job", "job")),
    ),
    Kind("message.sent", "message.handed_over", "A message was handed to its provider.", _MESSAGE, _CAMPAIGN),
    Kind("message.blocked", "message.blocked", "A message was not sent, and why.", _MESSAGE, _CAMPAIGN),
    Kind("message.failed", "message.failed", "The provider refused a message for good.", _MESSAGE, _CAMPAIGN),
    Kind("message.bounced", "message.bounced", "A message came back.", _MESSAGE, _CAMPAIGN),
    Kind("message.complained", "message.complained", "Somebody called a message spam.", _MESSAGE, _CAMPAIGN),
    Kind(
        "message.unknown",
        "message.unknown",
        "Nobody knows whether a message left; it counts as sent.",
        _MESSAGE,
        _CAMPAIGN,
    ),
    Kind("contact.unsubscribed", "contact.unsubscribed", "A person said no.", ("channel", "source")),
    Kind("contact.suppressed", "contact.suppressed", "A contact may not be written to.", ("channel", "reason")),
    Kind("contact.suppression_lifted", "contact.suppression_lifted", "A suppression was lifted."),
    Kind("contact.booked", "contact.booked", "A customer asked for a visit on the booking page."),
    Kind("contact.merged", "contact.merged", "Two contacts are one now."),
    Kind("contact.erased", "contact.erased", "A contact was erased: forget it, too."),
    Kind("conversation.received", "text.received", "Somebody texted back, and what it means.", ("meaning",)),
    Kind("conversation.sent", "text.handed_over", "An answer by text was handed to the provider.", ("kind", "reason")),
    Kind("conversation.failed", "text.failed", "An answer by text did not leave.", ("kind", "reason")),
    Kind("campaign.launched", "campaign.launched", "A campaign began."),
    Kind("campaign.paused", "campaign.paused", "A campaign stands still, and why.", ("reason",)),
    Kind("campaign.resumed", "campaign.resumed", "A campaign goes on."),
    Kind(
        "import.contacts", "audience.contacts_imported", "Contacts were imported.", ("created", "updated", "rejected")
    ),
    Kind("import.jobs", "audience.jobs_imported", "Jobs were imported.", ("created", "updated", "rejected")),
    Kind("module.activated", "module.activated", "A module runs.", ("module",)),
    Kind("module.resumed", "module.resumed", "A module runs again.", ("module",)),
    Kind("module.suspended", "module.suspended", "A module has stopped, and what is missing.", ("module", "missing")),
)
KINDS = {kind.code: kind for kind in _ALL}

# How a kind of row is named in an opaque id and in the payload.
SUBJECTS = {
    "message": "message",
    "campaign": "campaign",
    "dormancyepisode": "lapse",
    "enrolment": "enrolment",
    "bookingrequest": "booking",
    "threadtext": "text",
    "importbatch": "import",
    "moduleactivation": "activation",
    "suppression": "suppression",
}
