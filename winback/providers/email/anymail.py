"""The e-mail services of django-anymail, each with the credentials of its own connection, never global settings."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from anymail.exceptions import AnymailAPIError, AnymailConfigurationError, AnymailError, AnymailRecipientsRefused
from django.core.mail import EmailMultiAlternatives, get_connection
from requests.exceptions import RequestException

from winback.providers import http
from winback.providers.email.addresses import UnsafeHeader, checked_address
from winback.providers.email.base import EmailProvider, OutgoingEmail
from winback.providers.email.mime import checked_headers, header
from winback.providers.email.services import Service
from winback.providers.email.unusable import set_aside
from winback.providers.errors import OutcomeUnknown, ProviderMisconfigured, ProviderTrouble, without_addresses
from winback.providers.handing import ProbeResult, Witness
from winback.providers.reasons import Reason

DOUBTS_BEFORE_TROUBLE = 3


class AnymailProvider(EmailProvider):
    """One service of django-anymail; the registry makes one class a row of services.py."""

    service: ClassVar[Service]

    def __init__(self, credentials: Mapping[str, str], settings: Mapping[str, object]) -> None:
        super().__init__(credentials, settings)
        self._backend: Any = None
        self._doubts = 0

    def _opened(self) -> Any:
        """The backend with its session open, so that the connection lasts over the batch."""
        if self._backend is None:
            self.check_told()
            options: dict[str, Any] = {theirs: self.told(ours) for ours, theirs in self.service.options.items()}
            if self.told("api_url"):  # a local server in tests, a proxy in a closed network
                options["api_url"] = self.told("api_url")
            try:
                backend: Any = get_connection(
                    self.service.backend, timeout=self.number("timeout_seconds", 60), **options
                )
            except AnymailConfigurationError as error:
                raise ProviderMisconfigured(error) from error
            backend.open()
            if getattr(backend, "session", None) is not None:
                http.strict(backend.session)
            self._backend = backend
        return self._backend

    def close(self) -> None:
        if self._backend is not None:
            self._backend.close()
            self._backend = None

    def send(self, messages: Sequence[OutgoingEmail], witness: Witness) -> None:
        backend = self._opened()
        for message in messages:
            try:
                mail = self._mail(message)
            except UnsafeHeader as error:
                set_aside(message, error, witness)
                continue
            witness.starting(message.reference)
            try:
                backend.send_messages([mail])
            except AnymailRecipientsRefused as error:
                self._refuse(error, message.reference, witness)
            except AnymailAPIError as error:
                self._judge(error, message.reference, witness)
            except AnymailError as error:  # raised before anything was posted
                witness.not_left(message.reference)
                raise ProviderMisconfigured(f"{self.label} cannot carry this: {type(error).__name__}") from error
            else:
                self._doubts = 0
                status = mail.anymail_status  # type: ignore[attr-defined]
                witness.handed_over(message.reference, str(status.message_id or ""))

    def _mail(self, message: OutgoingEmail) -> EmailMultiAlternatives:
        headers = {**checked_headers(message.headers), "Message-ID": message.message_id, **self.service.headers}
        header("Subject", message.subject)  # refuses what would add headers
        mail = EmailMultiAlternatives(
            subject=message.subject,
            body=message.text,
            from_email=_mailbox(message.sender_name, message.sender_address),
            to=[_mailbox(message.recipient_name, message.recipient_address)],
            reply_to=[checked_address(message.reply_to)] if message.reply_to else None,
            headers=headers,
        )
        mail.attach_alternative(message.html, "text/html")
        mail.metadata = {self.service.metadata_key: message.reference}  # type: ignore[attr-defined]
        if self.service.untracked:
            mail.track_clicks = mail.track_opens = False  # type: ignore[attr-defined]
        return mail

    def _refuse(self, error: AnymailRecipientsRefused, reference: str, witness: Witness) -> None:
        """The service answered that nothing was sent, because of the one recipient."""
        code, said = _answer(error)
        self._doubts = 0
        reason = self.service.refusals.get(code, Reason.RECIPIENT_REFUSED)
        witness.refused(reference, reason, without_addresses(f"{code} {said}"))

    def _judge(self, error: AnymailAPIError, reference: str, witness: Witness) -> None:
        """The service answered with an error, or did not answer."""
        if isinstance(error, RequestException) and error.response is None:
            if http.never_left(error):
                witness.not_left(reference)
                raise ProviderTrouble(f"{self.label} cannot be reached ({_kind(error)}).") from error
            # The request may have arrived: the witness hears no more of it.
            raise OutcomeUnknown(f"{self.label} did not answer ({_kind(error)}).") from error
        status = error.status_code or 0
        code, said = _answer(error)
        summary = f"{self.label} answered {status}, error {code}: {said}"
        if status < 400 or status >= 500:  # it had the message, and what it says about it cannot be relied on
            raise OutcomeUnknown(summary) from error
        if status == 429:
            witness.not_left(reference)
            response_headers = error.response.headers if error.response is not None else {}
            raise ProviderTrouble(summary, retry_after_seconds=http.retry_after(response_headers)) from error
        if status in (401, 403) or code in self.service.settings_codes:
            witness.not_left(reference)
            raise ProviderMisconfigured(summary) from error
        self._doubts += 1  # about this message, or about all of ours: three in a row are no coincidence
        if self._doubts >= DOUBTS_BEFORE_TROUBLE:
            self._doubts = 0
            witness.not_left(reference)
            raise ProviderMisconfigured(summary) from error
        witness.deferred(reference, Reason.REFUSED_BY_PROVIDER, without_addresses(summary))

    def probe(self) -> ProbeResult:
        try:
            self.check_told()
            ok, detail = self.service.check(self.told)
        except ProviderMisconfigured as error:
            return ProbeResult(False, f"{self.label}: {error}", "misconfigured")
        except ProviderTrouble as error:
            return ProbeResult(False, f"{self.label}: {error}", "does_not_answer")
        return ProbeResult(ok, detail, "" if ok else "misconfigured", ("credentials",))

    def look_up(self, reference: str) -> bool | None:
        return self.service.find(self.told, reference) if self.service.find is not None else None


def provider_for(service: Service) -> type[AnymailProvider]:
    """The provider class of one row."""
    attributes = {"__doc__": f"{service.label}, by django-anymail.", "service": service}
    attributes |= {"code": service.code, "label": service.label, "fields": service.fields}
    return type(f"{service.label.replace(' ', '')}Provider", (AnymailProvider,), attributes)


def _mailbox(name: str, address: str) -> str:
    """``"Name" <address>`` in plain Unicode: the service encodes it."""
    header("From", name)  # refuses what would add headers
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}" <{checked_address(address)}>' if name else checked_address(address)


def _kind(error: Exception) -> str:
    cause = error.__cause__ or error
    return type(cause).__name__


def _answer(error: AnymailError) -> tuple[int, str]:
    """The service's own error code and words, where its answer has them."""
    try:
        body = error.response.json() if error.response is not None else {}
    except ValueError:
        return 0, "no JSON"
    if not isinstance(body, dict):
        return 0, ""
    code = body.get("ErrorCode", 0)
    return (code if isinstance(code, int) else 0), str(body.get("Message", body.get("message", "")))
