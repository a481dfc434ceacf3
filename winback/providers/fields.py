"""What a provider needs to be told: the console draws its form from this."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Field:
    """One credential or setting of a connection."""

    name: str
    label: str
    secret: bool = False
    required: bool = True
    help: str = ""
