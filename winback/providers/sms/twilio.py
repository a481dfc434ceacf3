"""Twilio, by its official client."""

from collections.abc import Mapping, Sequence
from typing import Any

from requests.exceptions import RequestException
from twilio.base.exceptions import TwilioException, TwilioRestException, TwilioServiceException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from winback.providers import http
from winback.providers.errors import OutcomeUnknown, ProviderMisconfigured, ProviderTrouble, without_addresses
from winback.providers.fields import Field
from winback.providers.handing import ProbeResult, Witness
from winback.providers.reasons import Reason
from winback.providers.receiving import Arrival, Report
from winback.providers.sms import twilio_webhooks
from winback.providers.sms.base import OutgoingSms, SmsProvider, unusable
from winback.providers.sms.twilio_errors import TWILIO_ERRORS, About

DOUBTS_BEFORE_TROUBLE = 3
UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, TwilioException)
"""What the client raises when an answer is not what it expects."""


class TwilioProvider(SmsProvider):
    """Texts through a Messaging Service (or one sender number)."""

    code = "twilio"
    label = "Twilio"
    takes_webhooks = True
    fields = (
        Field("account_sid", "Account SID", help="Begins with AC."),
        Field(
            "auth_token", "Auth token", secret=True, required=False,
            help="Needed for what Twilio reports; texts can leave by an API key and its secret, below.",
        ),
        Field("api_key", "API key SID", required=False, help="Begins with SK."),
        Field("api_secret", "API key secret", secret=True, required=False),
        Field("messaging_service_sid", "Messaging Service SID", required=False, help="Preferred over one number."),
        Field("from_number", "Sender number", required=False, help="Such as +15005550006."),
        Field(
            "webhook_secret", "Shared key of webhooks", secret=True, required=False,
            help="Only where Twilio signs with a shared key instead of the auth token.",
        ),
    )  # fmt: skip

    def __init__(self, credentials: Mapping[str, str], settings: Mapping[str, object]) -> None:
        super().__init__(credentials, settings)
        self._client: Client | None = None
        self._doubts = 0

    def _connected(self) -> Client:
        if self._client is None:
            self.check_told()
            username, password = self._sign_in()
            transport = TwilioHttpClient(timeout=self.number("timeout_seconds", 60))
            http.strict(transport.session)
            # An environment of its own: the client would fill what is missing from TWILIO_… of the process.
            self._client = Client(
                username, password, self.told("account_sid"), http_client=transport, environment={"TWILIO_REGION": ""}
            )
            base = self.told("base_url")
            if base:  # a local server in tests, a proxy in a closed network
                self._client.api.base_url = base
        return self._client

    def _sign_in(self) -> tuple[str, str]:
        if self.told("api_key") and self.told("api_secret"):
            return self.told("api_key"), self.told("api_secret")
        if not self.told("auth_token"):
            raise ProviderMisconfigured("Twilio needs an auth token, or an API key and its secret.")
        return self.told("account_sid"), self.told("auth_token")

    def _sender(self) -> dict[str, str]:
        if self.told("messaging_service_sid"):
            return {"messaging_service_sid": self.told("messaging_service_sid")}
        if self.told("from_number"):
            return {"from_": self.told("from_number")}
        raise ProviderMisconfigured("Twilio needs a Messaging Service or a sender number.")

    def close(self) -> None:
        if self._client is not None:
            self._client.http_client.session.close()
            self._client = None

    def send(self, messages: Sequence[OutgoingSms], witness: Witness) -> None:
        client, sender = self._connected(), self._sender()
        for message in messages:
            witness.starting(message.reference)
            if (why := unusable(message)) is not None:
                witness.refused(message.reference, *why)
                continue
            callback = self.callback_for(message)
            more: dict[str, Any] = {"status_callback": callback} if callback else {}
            try:
                sent = client.messages.create(to=message.recipient, body=message.body, **sender, **more)
            except (TwilioRestException, TwilioServiceException) as error:
                self._judge(error, message.reference, witness)
            except RequestException as error:
                if http.never_left(error):
                    witness.not_left(message.reference)
                    raise ProviderTrouble(f"Twilio cannot be reached ({type(error).__name__}).") from error
                # The request may have arrived: the witness hears no more of it.
                raise OutcomeUnknown(f"Twilio did not answer ({type(error).__name__}).") from error
            except UNREADABLE as error:  # it said yes in words that nobody understands
                raise OutcomeUnknown(f"Twilio's answer cannot be read ({type(error).__name__}).") from error
            else:
                self._doubts = 0
                witness.handed_over(message.reference, str(sent.sid or ""))

    def authenticate(self, arrival: Arrival) -> None:
        shared = "x-twilio-webhooks-signature-settings" in arrival.headers
        token = self.told("webhook_secret") if shared and self.told("webhook_secret") else self.told("auth_token")
        twilio_webhooks.authenticate(arrival, token=token, account_sid=self.told("account_sid"))

    def acknowledgement(self, arrival: Arrival) -> tuple[str, bytes]:
        return twilio_webhooks.NOTHING_TO_SAY

    def read(self, arrival: Arrival) -> Sequence[Report]:
        return twilio_webhooks.read(arrival)

    def _judge(self, error: TwilioRestException | TwilioServiceException, reference: str, witness: Witness) -> None:
        summary = f"Twilio answered {error.status}, error {error.code}: {_said(error)}"
        about, reason = TWILIO_ERRORS.get(error.code or 0, (None, Reason.REFUSED_BY_PROVIDER))
        if error.status >= 500 or error.status < 400:
            # Twilio broke while it had the request: nobody here can tell whether the text left.
            raise OutcomeUnknown(summary) from error
        if about is About.RECIPIENT:
            self._doubts = 0
            witness.refused(reference, reason, without_addresses(summary))
            return
        if about is About.RATE or error.status == 429:
            witness.not_left(reference)
            raise ProviderTrouble(summary) from error
        self._doubts += 1
        if about is About.SETTINGS or error.status in (401, 403, 404) or self._doubts >= DOUBTS_BEFORE_TROUBLE:
            self._doubts = 0
            witness.not_left(reference)
            raise ProviderMisconfigured(summary) from error
        witness.deferred(reference, reason, without_addresses(summary))

    def probe(self) -> ProbeResult:
        try:
            self._sender()
            account = self._connected().api.v2010.accounts(self.told("account_sid")).fetch()
        except ProviderMisconfigured as error:
            return ProbeResult(False, str(error), "misconfigured")
        except (TwilioRestException, TwilioServiceException) as error:
            code = "does_not_answer" if error.status >= 500 or error.status == 429 else "misconfigured"
            return ProbeResult(False, without_addresses(f"Twilio answered {error.status}: {_said(error)}"), code)
        except (RequestException, *UNREADABLE) as error:
            return ProbeResult(False, f"Twilio does not answer ({type(error).__name__}).", "does_not_answer")
        finally:
            self.close()
        active = account.status == "active"
        trial = " It is a trial account: it writes to verified numbers only." if account.type == "Trial" else ""
        detail = f"The account is {account.status}.{trial}"
        return ProbeResult(active, detail, "" if active else "misconfigured", ("credentials",))


def _said(error: TwilioRestException | TwilioServiceException) -> str:
    return str(error.msg if isinstance(error, TwilioRestException) else error.detail or error.title)
