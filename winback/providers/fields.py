"""What a provider needs to be told: the console draws its form from this."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Field:
    """One credential or setting of a connection. ``secret`` ones are kept encrypted and never shown again."""

    name: str
    label: str
    secret: bool = False
    required: bool = True
    help: str = ""
    choices: tuple[str, ...] = ()
    default: str = ""
    destination: bool = False
    """It says where the secrets are sent: with another one, a secret that is kept must be given anew."""
    sent_to: tuple[str, ...] | None = None
    """Of a secret: to which destinations alone it is sent; none where it only proves what comes in."""
