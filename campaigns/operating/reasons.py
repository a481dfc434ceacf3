"""Reason codes as sentences for people. docs/reasons.md has the codes; a test holds that none is missing here."""

from winback.console.formatting import words

SENTENCES = {
    # why no lapse is open
    "erased": "The person asked to be forgotten, and was.",
    "merged": "It was merged into another contact.",
    "restricted": "Its processing is restricted: it is kept, and otherwise left alone until a manager lifts that.",
    "no_job": "It has no completed job that counts.",
    "scheduled_ahead": "A job is booked ahead.",
    "do_not_contact": "It has a tag that means “do not contact”.",
    "not_lapsed_yet": "Not dormant: the last job is too recent.",
    "in_open_episode": "It is in an open lapse.",
    "given_up": "It has been silent for so long that it was given up.",
    "no_open_episode": "Not dormant, as far as is known: the next scan will say.",
    "not_scanned_yet": "Not looked at yet: the next scan will say.",
    # why a lapse was closed, an enrolment ended
    "business": "The customer came back.",
    "corrected": "A late or changed job showed that the lapse never was.",
    "booking": "The customer booked.",
    "reply": "The customer answered.",
    "opt_out": "The customer unsubscribed.",
    "episode_closed": "The lapse was closed for another reason than business.",
    "exhausted": "Every step was taken, and nothing came back.",
    "staff": "Somebody of the business ended it.",
    # why an open lapse gets no messages
    "no_campaign": "There is no running campaign.",
    "waits_for_enrolment": "Dormant, and waiting for its turn: a limited number is enrolled each day.",
    "enrolled_recently": "It was enrolled not long ago: it is left alone until the pause is over.",
    "held_out": "Held out: it gets no messages, so that the effect of messages can be measured.",
    # why a message did not leave, or not yet
    "contact_erased": "The person asked to be forgotten.",
    "contact_merged": "The contact was merged into another one.",
    "came_back": "The customer came back first.",
    "booked": "The customer has booked.",
    "suppressed": "The address is suppressed.",
    "email_off": "E-mail is left out by the module’s settings.",
    "sms_off": "Text messages are left out by the module’s settings.",
    "no_email": "No e-mail address.",
    "no_phone": "No phone number that can take texts.",
    "domain_takes_no_mail": "Nobody at this e-mail address’s domain can get mail: it has no server for it.",
    "role_address": "The address is of an office or a machine, not a person’s, and nobody agreed to e-mail at it.",
    "disposable_address": "The address is a throw-away one.",
    "no_email_consent": "No consent to e-mail is on file, and the country asks for it.",
    "no_sms_consent": "No consent to text messages is on file.",
    "email_consent_withdrawn": "The person said no to e-mail.",
    "sms_consent_withdrawn": "The person said no to text messages.",
    "sms_consent_unproven": "Consent to texts is on file without its time, source or wording.",
    "implied_consent_expired": "Permission came with the last job, and that is too long ago in this country.",
    "silent_too_long": "Silent for longer than marketing may last.",
    "quiet_hours": "Quiet hours where the customer lives.",
    "frequency_cap": "The household was written to often enough for now.",
    "ramp": "A mailbox provider gets only so many messages a day until it knows the sender: the rest leaves tomorrow.",
    "rate_limit": "More is ready than the provider, or the mailboxes, are sent at once.",
    "sunset": "Written to often enough without any answer.",
    "no_connection": "No provider is connected for this channel.",
    "provider_trouble": "The provider is in trouble: the connection is paused.",
    "render_failed": "Its words could not be rendered.",
    "hand_over_interrupted": "The hand-over was interrupted: whether it left is not known.",
    "process_died_while_handing_over": "The hand-over was interrupted: whether it left is not known.",
    "never_confirmed": "Nobody could tell within a week whether it left: it counts as sent.",
    # why it is not counted what somebody opens and presses
    "tracking_off": "The brand counts neither opens nor clicks.",
    "tracking_off_here": "The brand follows nobody in this country or region.",
    "tracking_withdrawn": "The person said no to it.",
    "tracking_not_agreed": "The country asks for a yes first, and none is on file.",
    # what became of it after it had left
    "bounced_hard": "Nobody is there: the address is dead.",
    "bounced_soft": "The mailbox was full, or away.",
    "bounced_blocked": "Refused for the sender’s repute, a policy or a rate: not the recipient’s fault.",
    "bounced_content": "Refused for its size or its words.",
    "bounced_unknown": "It came back, and the provider does not say why.",
    "failed_after_hand_over": "The provider took it, and then did not deliver it.",
    "complained": "The recipient called it spam.",
    # why the words were refused
    "html_unreadable": "The HTML cannot be read as a mailbox would.",
    "sms_without_business": "The text does not name the business.",
    "sms_without_opt_out": "The text does not say how to stop.",
    "sms_with_shortened_link": "The text has a shortened link, which carriers block.",
    "sms_too_long": "The text is too long.",
    "words_missing": "A part of the words is empty.",
    "words_with_holes": "A value is missing in a sentence.",
}


def sentence(code: object) -> str:
    """A reason code as a person reads it; one that has no sentence of its own reads as its words."""
    return SENTENCES.get(str(code)) or f"{words(code)}."
