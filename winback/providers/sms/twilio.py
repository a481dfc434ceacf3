"""Twilio, by its official client."""

from collections.abc import Mapping, Sequence
from typing import Any

from requests.exceptions import ConnectionError as NotConnected
from requests.exceptions import ConnectTimeout, RequestException
from twilio.base.exceptions import TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from winback.providers.errors import ProviderMisconfigured, ProviderTrouble
from winback.providers.fields import Field
from winback.providers.handing import ProbeResult, Witness
from winback.providers.sms.base import OutgoingSms, SmsProvider

# Twilio's error codes that are about one recipient, in our words (compliance.md B4).
RECIPIENT = {
    21610: "opted_out_at_provider",
    21211: "number_invalid",
    21614: "number_not_mobile",
    21408: "region_not_enabled",
    21612: "number_unreachable",
    30003: "number_unreachable",
    30005: "number_unknown",
    30006: "number_landline",
    30004: "blocked_by_carrier",
}
# About the account or the sender: nothing leaves until a person mends it.
MISCONFIGURED = {20003, 20404, 21606, 21603, 30032, 30034, 30007, 21703}


class TwilioProvider(SmsProvider):
    """Texts through a Messaging Service (or one sender number)."""

    code = "twilio"
    label = "Twilio"
    fields = (
        Field("account_sid", "Account SID"),
        Field("auth_token", "Auth token", secret=True),
        Field("messaging_service_sid", "Messaging Service SID", required=False, help="Preferred over one number."),
        Field("from_number", "Sender number", required=False),
    )

    def __init__(self, credentials: Mapping[str, str], settings: Mapping[str, object]) -> None:
        super().__init__(credentials, settings)
        self._client: Client | None = None

    def _connected(self) -> Client:
        if self._client is None:
            if not self.credentials.get("account_sid") or not self.credentials.get("auth_token"):
                raise ProviderMisconfigured("Twilio needs an account SID and an auth token.")
            self._client = Client(
                self.credentials["account_sid"],
                self.credentials["auth_token"],
                http_client=TwilioHttpClient(timeout=float(str(self.settings.get("timeout_seconds", 20)))),
            )
            base = self.settings.get("base_url")
            if base:  # a local server in tests, a proxy in a closed network
                self._client.api.base_url = str(base)
        return self._client

    def send(self, messages: Sequence[OutgoingSms], witness: Witness) -> None:
        client = self._connected()
        sender: dict[str, Any] = (
            {"messaging_service_sid": self.credentials["messaging_service_sid"]}
            if self.credentials.get("messaging_service_sid")
            else {"from_": self.credentials.get("from_number", "")}
        )
        for message in messages:
            witness.starting(message.reference)
            if message.callback_url:
                sender["status_callback"] = message.callback_url
            try:
                sent = client.messages.create(to=message.recipient, body=message.body, **sender)
            except TwilioRestException as error:
                self._judge(error, message.reference, witness)
            except ConnectTimeout as error:
                witness.not_left(message.reference)
                raise ProviderTrouble(f"Twilio does not answer: {error}") from error
            except NotConnected as error:
                if "Connection refused" in str(error) or "Name or service not known" in str(error):
                    witness.not_left(message.reference)
                raise ProviderTrouble(f"The connection to Twilio was lost: {error}") from error
            except RequestException as error:
                # The request may have arrived: unknown, and never sent again blindly.
                raise ProviderTrouble(f"Twilio did not answer in time: {error}") from error
            else:
                witness.handed_over(message.reference, str(sent.sid))

    def _judge(self, error: TwilioRestException, reference: str, witness: Witness) -> None:
        if error.code in RECIPIENT:
            witness.refused(reference, RECIPIENT[error.code], f"{error.code} {error.msg}")
            return
        if error.status >= 500:
            # Twilio broke while it had the request: nobody here can tell whether the text left.
            raise ProviderTrouble(f"Twilio is in trouble: {error.status} {error.msg}") from error
        witness.not_left(reference)
        if error.code in MISCONFIGURED or error.status in (401, 403):
            raise ProviderMisconfigured(f"Twilio refuses this account or sender: {error.code} {error.msg}") from error
        if error.status == 429:
            raise ProviderTrouble(f"Twilio asks to slow down: {error.msg}") from error
        witness.refused(reference, "refused_by_provider", f"{error.code} {error.msg}")

    def probe(self) -> ProbeResult:
        try:
            account = self._connected().api.v2010.accounts(self.credentials["account_sid"]).fetch()
        except ProviderMisconfigured as error:
            return ProbeResult(False, str(error), "misconfigured")
        except TwilioRestException as error:
            return ProbeResult(False, f"{error.code} {error.msg}", "misconfigured")
        except RequestException as error:
            return ProbeResult(False, str(error), "does_not_answer")
        active = account.status == "active"
        return ProbeResult(active, f"The account is {account.status}.", "" if active else "misconfigured")
