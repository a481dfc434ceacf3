"""What every provider has, whatever it carries: what it must be told, a probe, connections that last over a batch."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import ClassVar, Self

from winback.providers.errors import ProviderMisconfigured
from winback.providers.fields import Field
from winback.providers.handing import ProbeResult
from winback.providers.receiving import Arrival, NotAuthentic, Report


class ProviderAccount(ABC):
    """One account of one provider; used as a context manager, so that connections last over a batch."""

    code: ClassVar[str]
    label: ClassVar[str]
    fields: ClassVar[tuple[Field, ...]] = ()
    for_tests: ClassVar[bool] = False
    """Not offered to anybody who chooses a provider."""
    takes_webhooks: ClassVar[bool] = False
    """It reports to ``/hooks/<code>/<token>/``; ``authenticate`` and ``read`` are then its own."""

    def __init__(self, credentials: Mapping[str, str], settings: Mapping[str, object]) -> None:
        self.credentials = credentials
        self.settings = settings

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:  # noqa: B027 - most have nothing to let go of
        """Let go of connections; opened again when needed."""

    def told(self, name: str) -> str:
        """A credential or setting as text, else its field's default; a secret is never looked for in the settings."""
        field = next((field for field in self.fields if field.name == name), None)
        value: object = self.credentials.get(name)
        if not value and not (field is not None and field.secret):
            value = self.settings.get(name)
        return str(value).strip() if value else (field.default if field is not None else "")

    def number(self, name: str, default: float) -> float:
        """A setting that is a number; raises ProviderMisconfigured when it is none."""
        try:
            return float(self.told(name) or default)
        except ValueError as error:
            raise ProviderMisconfigured(f"{self.label}: {name} is not a number: {self.told(name)!r}.") from error

    def check_told(self) -> None:
        """Raise ProviderMisconfigured with what is missing or not one of the choices."""
        missing = [field.label for field in self.fields if field.required and not self.told(field.name)]
        if missing:
            raise ProviderMisconfigured(f"{self.label} needs: {', '.join(missing)}.")
        for field in self.fields:
            if field.choices and self.told(field.name) not in field.choices:
                raise ProviderMisconfigured(f"{self.label}: {field.label} must be one of {', '.join(field.choices)}.")

    @abstractmethod
    def probe(self) -> ProbeResult:
        """Whether this account answers and would take messages, without sending any; never raises ProviderTrouble."""

    def look_up(self, reference: str) -> bool | None:
        """Whether a message with this reference arrived at the provider; None where it cannot tell (yet)."""
        return None

    def authenticate(self, arrival: Arrival) -> None:
        """Raise NotAuthentic unless the provider shows that this comes from it, for this account, and is fresh."""
        raise NotAuthentic(f"{self.label} sends no webhooks.")

    def acknowledgement(self, arrival: Arrival) -> tuple[str, bytes]:
        """Content type and body of the answer that the provider wants once what it sent is stored."""
        return "text/plain", b""

    def read(self, arrival: Arrival) -> Sequence[Report]:
        """What an authenticated arrival reports, in order; raises NotUnderstood when it cannot be read."""
        return ()
