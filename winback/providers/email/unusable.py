"""A message that cannot be written as a mail: whose fault is it?"""

from winback.providers.email.addresses import UnsafeHeader, UnusableAddress, checked_address
from winback.providers.email.base import OutgoingEmail
from winback.providers.email.mime import mailbox
from winback.providers.errors import ProviderMisconfigured
from winback.providers.handing import Witness
from winback.providers.reasons import Reason


def set_aside(message: OutgoingEmail, error: UnsafeHeader, witness: Witness) -> None:
    """Refuse this one message; raises ProviderMisconfigured when the sender is at fault, and so every message."""
    try:
        mailbox(message.sender_name, message.sender_address)
        if message.reply_to:
            checked_address(message.reply_to)
    except UnsafeHeader as fault:
        raise ProviderMisconfigured("The sender's name, address or reply address cannot stand in a mail.") from fault
    witness.starting(message.reference)
    witness.refused(message.reference, _reason(message), str(error))


def _reason(message: OutgoingEmail) -> Reason:
    try:
        checked_address(message.recipient_address)
    except UnusableAddress:
        return Reason.ADDRESS_UNUSABLE
    return Reason.CONTENT_REFUSED
