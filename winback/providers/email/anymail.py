"""The e-mail providers of django-anymail, each with the credentials of its own connection, never global settings."""

from collections.abc import Sequence
from email.utils import formataddr

from anymail.exceptions import AnymailAPIError, AnymailConfigurationError, AnymailError, AnymailRecipientsRefused
from django.core.mail import EmailMultiAlternatives, get_connection
from requests.exceptions import RequestException

from winback.providers.email.base import EmailProvider, OutgoingEmail
from winback.providers.email.mime import UnsafeHeader, checked_address, header
from winback.providers.errors import ProviderMisconfigured, ProviderTrouble
from winback.providers.fields import Field
from winback.providers.handing import ProbeResult, Witness

# Which backend serves a service, and what it wants to be told. The next ones are rows here.
SERVICES: dict[str, tuple[str, tuple[str, ...]]] = {
    "postmark": ("anymail.backends.postmark.EmailBackend", ("server_token",)),
}


class AnymailProvider(EmailProvider):
    """One service of django-anymail, named by ``settings["service"]``."""

    code = "anymail"
    label = "E-mail service (Postmark)"
    fields = (
        Field("service", "Service", help="postmark"),
        Field("server_token", "Server token", secret=True),
        Field("stream", "Message stream", required=False, help="Postmark: a broadcast stream."),
    )

    def _backend(self) -> object:
        told = {**{key: str(value) for key, value in self.settings.items()}, **self.credentials}
        service = told.get("service") or "postmark"
        if service not in SERVICES:
            raise ProviderMisconfigured(f"There is no service {service!r}; there are {', '.join(SERVICES)}.")
        backend, names = SERVICES[service]
        missing = [name for name in names if not told.get(name)]
        if missing:
            raise ProviderMisconfigured(f"{service} needs {', '.join(missing)}.")
        options = {name: told[name] for name in names}
        if told.get("api_url"):
            options["api_url"] = told["api_url"]
        try:
            return get_connection(backend, **options)
        except AnymailConfigurationError as error:
            raise ProviderMisconfigured(str(error)) from error

    def send(self, messages: Sequence[OutgoingEmail], witness: Witness) -> None:
        backend = self._backend()
        for message in messages:
            witness.starting(message.reference)
            try:
                mail = self._mail(message, backend)
            except UnsafeHeader as error:
                witness.refused(message.reference, "address_unusable", str(error))
                continue
            try:
                mail.send()
            except AnymailRecipientsRefused as error:
                witness.refused(message.reference, "recipient_refused", str(error))
            except AnymailAPIError as error:
                self._judge(error, message.reference, witness)
            except AnymailError as error:
                witness.not_left(message.reference)
                raise ProviderMisconfigured(str(error)) from error
            except RequestException as error:
                # The request may have arrived: unknown, and never sent again blindly.
                raise ProviderTrouble(f"The service did not answer: {error}") from error
            else:
                self._record(mail, message.reference, witness)

    def _mail(self, message: OutgoingEmail, backend: object) -> EmailMultiAlternatives:
        for name, value in {**message.headers, "Subject": message.subject}.items():
            header(name, value)  # refuses what would add headers
        mail = EmailMultiAlternatives(
            subject=message.subject,
            body=message.text,
            from_email=formataddr((message.sender_name, checked_address(message.sender_address))),
            to=[formataddr((message.recipient_name, checked_address(message.recipient_address)))],
            reply_to=[message.reply_to] if message.reply_to else None,
            headers={**message.headers, "Message-ID": message.message_id},
            connection=backend,
        )
        mail.attach_alternative(message.html, "text/html")
        mail.metadata = {"winback": message.reference}  # type: ignore[attr-defined]
        stream = self.credentials.get("stream") or self.settings.get("stream")
        if stream:
            mail.esp_extra = {"MessageStream": str(stream)}  # type: ignore[attr-defined]
        return mail

    def _record(self, mail: EmailMultiAlternatives, reference: str, witness: Witness) -> None:
        status = mail.anymail_status  # type: ignore[attr-defined]
        outcomes = set(status.status or ())
        if outcomes & {"invalid", "rejected", "failed"}:
            witness.refused(reference, "recipient_refused", ", ".join(sorted(map(str, outcomes))))
        else:
            witness.handed_over(reference, str(status.message_id or ""))

    def _judge(self, error: AnymailAPIError, reference: str, witness: Witness) -> None:
        code = error.status_code or 0
        if code in (401, 403):
            witness.not_left(reference)
            raise ProviderMisconfigured(f"The service refuses the token: {error}") from error
        if code == 429:
            witness.not_left(reference)
            raise ProviderTrouble("The service asks to slow down.") from error
        if 400 <= code < 500:
            witness.refused(reference, "refused_by_provider", str(error)[:300])
            return
        raise ProviderTrouble(f"The service is in trouble: {error}") from error

    def probe(self) -> ProbeResult:
        try:
            self._backend()
        except ProviderMisconfigured as error:
            return ProbeResult(False, str(error), "misconfigured")
        return ProbeResult(True, "The token is set; the service is asked at the first test message.")
