"""What a person can do about a reason: one sentence, and the page on which it is done. Often: nothing, by design."""

from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from tenants.activation.models import ModuleActivation


@dataclass(frozen=True)
class Remedy:
    """``action`` is the button’s word; without one there is nothing to press."""

    text: str
    action: str = ""
    url: str = ""


_ASK = "Ask them at the next visit or on your booking form, and record the yes with the words that they agreed to."
_ONLY_THEM = "Only a newer yes of theirs changes it. If they gave you one, record it with the words they agreed to."
_ADDRESS = "Correct it where you keep your customers, and import them again: the next message takes it up."
_BY_ITSELF = "Nothing to do: it leaves by itself as soon as it may."
_IN_ORDER = "Nothing to do: this is how it should be."
_LEFT_ALONE = "They are left alone until they come, answer or book. How long that takes is a setting of the module."
_TRY_ELSE = "Connect another one, or mend this one: messages wait, and use up no attempt."

_RECORD, _IMPORT, _SETTINGS = "Record a consent", "Import contacts", "Module’s settings"
_SUPPRESSIONS, _TAGS = "See who and why", "See the tags"
_CONNECTIONS, _TEMPLATES = "Connections", "Templates"

_NEW_ADDRESS = "The address is suppressed: nobody writes there again. Ask them for another, and import it."
_DOMAINS = "Sending domains"

_REMEDIES: dict[str, tuple[str, str]] = {
    "no_email": (_ADDRESS, _IMPORT),
    "no_phone": (_ADDRESS, _IMPORT),
    "domain_takes_no_mail": (f"Ask them for another address. {_ADDRESS}", _IMPORT),
    "role_address": (f"Ask for a person’s own address. {_ADDRESS}", _IMPORT),
    "disposable_address": (f"Ask for a lasting address. {_ADDRESS}", _IMPORT),
    "no_email_consent": (_ASK, _RECORD),
    "no_sms_consent": (_ASK, _RECORD),
    "sms_consent_unproven": ("Record it anew with its time, its source and its words: then it can be shown.", _RECORD),
    "email_consent_withdrawn": (_ONLY_THEM, _RECORD),
    "sms_consent_withdrawn": (_ONLY_THEM, _RECORD),
    "implied_consent_expired": ("A new job, or a yes on record, opens it again.", _RECORD),
    "suppressed": ("Only they themselves, or a manager with a reason, can take that back.", _SUPPRESSIONS),
    "do_not_contact": ("Take the tag away where you keep your customers, if it is wrong, and import again.", _TAGS),
    "email_off": ("Switch the channel on in the module’s settings.", _SETTINGS),
    "sms_off": ("Switch the channel on in the module’s settings.", _SETTINGS),
    "silent_too_long": (_LEFT_ALONE, _SETTINGS),
    "sunset": (_LEFT_ALONE, _SETTINGS),
    "no_connection": ("Connect a provider: messages wait for it.", _CONNECTIONS),
    "provider_trouble": (_TRY_ELSE, _CONNECTIONS),
    "render_failed": ("Look at the template, or at what the contact lacks.", _TEMPLATES),
    "html_unreadable": ("Mend the template.", _TEMPLATES),
    "words_missing": ("Mend the template.", _TEMPLATES),
    "words_with_holes": ("Mend the template, or fill in what the contact lacks.", _TEMPLATES),
    "sms_too_long": ("Shorten the template.", _TEMPLATES),
    "bounced_hard": (_NEW_ADDRESS, _IMPORT),
    "bounced_soft": ("Nothing to do yet: the mailbox was full or away. Three in a row, over a week, suppress it.", ""),
    "bounced_blocked": (
        "It is about the sender, not this person: look whether your sending domains are in order.",
        _DOMAINS,
    ),
    "complained": ("They called it spam, and are suppressed for the whole business.", _SUPPRESSIONS),
    **dict.fromkeys(("quiet_hours", "frequency_cap", "ramp", "rate_limit"), (_BY_ITSELF, "")),
    **dict.fromkeys(("came_back", "booked", "contact_erased", "contact_merged"), (_IN_ORDER, "")),
}


def remedy(code: str, contact: Any, channel: str, activation: ModuleActivation | None = None) -> Remedy | None:
    """What can be done about this reason for this contact; None where nobody has thought of anything."""
    if code not in _REMEDIES:
        return None
    if contact.state != contact.State.ACTIVE:  # nothing is missing where nobody is
        return Remedy(_IN_ORDER)
    text, action = _REMEDIES[code]
    return Remedy(text, action, _where(action, contact, channel, activation)) if action else Remedy(text)


def _where(action: str, contact: Any, channel: str, activation: ModuleActivation | None) -> str:
    if action == _RECORD:
        return f"{reverse('admin:campaigns_consent_add')}?contact={contact.pk}&channel={channel}"
    if action == _SUPPRESSIONS:
        return f"{reverse('admin:campaigns_suppression_changelist')}?contact_id={contact.pk}"
    if action == _TAGS:
        return f"{reverse('admin:campaigns_contacttag_changelist')}?contact__id__exact={contact.pk}"
    if action == _SETTINGS and activation is not None:
        return reverse("admin:catalog_module_change_settings", args=[activation.module_id])
    lists = {
        _IMPORT: "campaigns_importbatch", _SETTINGS: "catalog_module", _CONNECTIONS: "tenants_connection",
        _TEMPLATES: "catalog_messagetemplate", _DOMAINS: "tenants_sendingdomain",
    }  # fmt: skip
    return reverse(f"admin:{lists[action]}_changelist")
