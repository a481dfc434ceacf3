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
