"""The e-mail services of django-anymail, each with the credentials of its own connection, never global settings."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from anymail.exceptions import AnymailAPIError, AnymailConfigurationError, AnymailError
from django.core.mail import EmailMultiAlternatives, get_connection

from winback.providers import http
from winback.providers.email.addresses import UnsafeHeader, checked_address
from winback.providers.email.base import EmailProvider, OutgoingEmail
from winback.providers.email.batches import Prepared, send_together
from winback.providers.email.judging import Judge, answer_of
from winback.providers.email.mime import checked_headers, header
from winback.providers.email.reporting import reports
from winback.providers.email.services.service import METADATA_KEY, Service
from winback.providers.email.unusable import set_aside
from winback.providers.errors import OutcomeUnknown, ProviderMisconfigured, ProviderTrouble
from winback.providers.handing import ProbeResult, Witness
from winback.providers.reasons import Reason
from winback.providers.receiving import Arrival, NotAuthentic, Report

_TAKEN = frozenset({"queued", "sent"})
_UNREADABLE = (KeyError, TypeError, AttributeError, IndexError, ValueError)


class AnymailProvider(EmailProvider):
    """One service of django-anymail; the registry makes one class a module of services/."""

    service: ClassVar[Service]

    def __init__(self, credentials: Mapping[str, str], settings: Mapping[str, object]) -> None:
        super().__init__(credentials, settings)
        self._backend: Any = None
        self._judge = Judge(self.service)

    def _opened(self) -> Any:
        """The backend with its session open, so that the connection lasts over the batch."""
        if self._backend is None:
            self.check_told()
            options = {
                "timeout": self.number("timeout_seconds", 60),
                "ignore_unsupported_features": False,
                **self.service.options(self.told),
            }
            try:
                backend: Any = get_connection(self.service.backend, **options)
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
        backend, batch = self._opened(), self.service.batch
        size = max(1, min(batch.size, int(self.number("batch_size", batch.size)))) if batch is not None else 1
        for start in range(0, len(messages), size):
            ready = [self._prepared(message, witness) for message in messages[start : start + size]]
            group = [each for each in ready if each is not None]
            if batch is None or len(group) == 1 or not send_together(backend, batch, group, self._judge, witness):
                self._send_singly(backend, group, witness, started=batch is not None and len(group) > 1)

    def _prepared(self, message: OutgoingEmail, witness: Witness) -> Prepared | None:
        """The message as the backend posts it; None when it was refused because it cannot be written."""
        try:
            mail = self._mail(message)
        except UnsafeHeader as error:
            set_aside(message, error, witness)
            return None
        try:
            # No defaults of the global settings.
            payload = self._opened().build_message_payload(mail, {})
        except AnymailError as error:
            raise ProviderMisconfigured(f"{self.label} cannot carry this: {type(error).__name__}") from error
        if isinstance(getattr(payload, "headers", None), dict):
            payload.headers.update(self.service.request_headers(message.reference))
        return Prepared(message.reference, mail, payload)

    def _send_singly(self, backend: Any, group: Sequence[Prepared], witness: Witness, *, started: bool) -> None:
        """One request a message. ``started``: as a batch of which the service took none."""
        for number, prepared in enumerate(group):
            if not started:
                witness.starting(prepared.reference)
            try:
                self._send_one(backend, prepared, witness)
            except ProviderTrouble:
                for each in group[number + 1 :] if started else ():
                    witness.not_left(each.reference)
                raise

    def _send_one(self, backend: Any, prepared: Prepared, witness: Witness) -> None:
        reference = prepared.reference
        try:
            response = backend.post_to_esp(prepared.payload, prepared.mail)
        except AnymailAPIError as error:
            if error.response is None:
                trouble = self._judge.silence(error)
                if not isinstance(trouble, OutcomeUnknown):
                    witness.not_left(reference)
                raise trouble from error
            self._judge.judge(answer_of(self.service, error.response), reference, witness)
        except AnymailError as error:  # raised before anything was posted
            witness.not_left(reference)
            raise ProviderMisconfigured(f"{self.label} cannot carry this: {type(error).__name__}") from error
        else:
            self._hear(backend, prepared, response, witness)

    def _hear(self, backend: Any, prepared: Prepared, response: Any, witness: Witness) -> None:
        """What an answer with a status of success says: mostly that the message was taken."""
        said, provider_id = set(), ""
        try:
            statuses = backend.parse_recipient_status(response, prepared.payload, prepared.mail).values()
            said = {each.status for each in statuses}
            provider_id = next((str(each.message_id) for each in statuses if each.message_id), "")
        except AnymailAPIError:
            pass  # the answer itself says more than anymail's error
        except (AnymailError, *_UNREADABLE) as error:  # it said yes in words that nobody understands
            raise OutcomeUnknown(f"{self.label}’s answer cannot be read ({type(error).__name__}).") from error
        only = self.service.taken_with
        if said and said <= _TAKEN and (not only or response.status_code in only):
            self._judge.taken(prepared.reference, provider_id, witness)
        else:
            refused = bool(said) and said <= {"invalid", "rejected"}
            otherwise = Reason.RECIPIENT_REFUSED if refused else None
            self._judge.judge(answer_of(self.service, response), prepared.reference, witness, otherwise=otherwise)

    def _mail(self, message: OutgoingEmail) -> EmailMultiAlternatives:
        more_headers = self.service.body_headers(message.reference)
        headers = {**checked_headers(message.headers), **self.service.headers, **more_headers}
        ours = message.message_id  # raises UnsafeHeader for a sender that cannot be written
        if self.service.message_id:
            headers["Message-ID"] = ours
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
        more: Any = mail
        if self.service.metadata:
            more.metadata = {METADATA_KEY: message.reference}
        if extra := self.service.extra(message.reference):
            more.esp_extra = dict(extra)
        if self.service.untracked:
            more.track_clicks = more.track_opens = False
        return mail

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

    def authenticate(self, arrival: Arrival) -> None:
        if self.service.webhook is None:
            raise NotAuthentic(f"{self.label} sends no webhooks.")
        if arrival.method != "POST" or not arrival.body:
            raise NotAuthentic(f"{self.label} posts its reports.")
        self.service.webhook.authenticate(self.told, arrival)

    def read(self, arrival: Arrival) -> Sequence[Report]:
        return reports(self.service, arrival)


def provider_for(service: Service, base: type[AnymailProvider] = AnymailProvider) -> type[AnymailProvider]:
    """The provider class of one service."""
    attributes = {"__doc__": f"{service.label}, by django-anymail.", "service": service}
    attributes |= {"code": service.code, "label": service.label, "fields": service.fields}
    attributes |= {"takes_webhooks": service.webhook is not None}
    return type(f"{service.label.split('(')[0].title().replace(' ', '')}Provider", (base,), attributes)


def _mailbox(name: str, address: str) -> str:
    """``"Name" <address>`` in plain Unicode: the service encodes it."""
    header("From", name)  # refuses what would add headers
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}" <{checked_address(address)}>' if name else checked_address(address)
