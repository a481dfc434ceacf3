"""Any gateway for texts that is spoken to over HTTP: what to send, and how to read its answers, is configuration."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.auth import HTTPBasicAuth
from requests.exceptions import RequestException

from winback.providers import http
from winback.providers.errors import OutcomeUnknown, ProviderMisconfigured, ProviderTrouble, without_addresses
from winback.providers.handing import ProbeResult, Witness
from winback.providers.public_addresses import public_only
from winback.providers.reasons import Reason
from winback.providers.receiving import Arrival, Report
from winback.providers.sms import gateway_secrets, gateway_webhooks
from winback.providers.sms.base import OutgoingSms, SmsProvider, unusable
from winback.providers.sms.gateway_fields import FIELDS
from winback.providers.sms.gateway_template import checked, filled, filled_address, parsed, statuses, text_at

DOUBTS_BEFORE_TROUBLE = 3
MOST_OCTETS = 100_000


class GatewayProvider(SmsProvider):
    """A gateway by configuration. See docs/adding-a-provider.md, “A gateway without writing code”."""

    code = "gateway"
    label = "HTTP gateway (by configuration)"
    fields = FIELDS
    takes_webhooks = True

    def __init__(self, credentials: Mapping[str, str], settings: Mapping[str, object]) -> None:
        super().__init__(credentials, settings)
        self._session: requests.Session | None = None
        self._doubts = 0

    def close(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None

    def check_told(self) -> None:
        super().check_told()
        if str(self.settings.get("headers") or "{}").strip() != "{}" and not self.told("headers").strip("{} "):
            raise ProviderMisconfigured("Further headers are kept like a password now: give them anew.")
        gateway_secrets.check(self.told, self._template())
        self._headers()

    def _template(self) -> Any:
        return checked(parsed(self.told("body"), "The body"), "The body")

    def _opened(self) -> requests.Session:
        if self._session is None:
            self.check_told()
            address = urlsplit(self.told("url"))
            if address.scheme not in ("https", "http") or not address.hostname or "{" in address.netloc:
                raise ProviderMisconfigured(
                    "The gateway's address must be a whole one, such as https://sms.example.com/."
                )
            self._body = self._template()
            if self.told("body_format") != "json" and not isinstance(self._body, dict):
                raise ProviderMisconfigured("The body of a form must be a JSON object of names and values.")
            self._id_at = self.told("id_pointer")
            self._accepted = statuses(self.told("accepted_statuses"), "Statuses that accept")
            self._refused = statuses(self.told("refused_statuses"), "Statuses that refuse a recipient")
            self._trouble = statuses(self.told("trouble_statuses"), "Statuses of trouble")
            checked(self.told("url"), "The address")
            self._session = public_only(requests.Session())
            self._session.headers.update(self._headers())
            if self.told("auth") == "basic":
                self._session.auth = HTTPBasicAuth(self.told("username").encode(), self.told("secret").encode())
        return self._session

    def _headers(self) -> dict[str, str]:
        headers = parsed(self.told("headers"), "The headers")
        if not isinstance(headers, dict) or not all(isinstance(value, str) for value in headers.values()):
            raise ProviderMisconfigured("The headers must be a JSON object of names and texts.")
        secret = self.told("secret")
        if self.told("auth") != "none" and not secret:
            raise ProviderMisconfigured("The gateway's secret is missing.")
        if self.told("auth") == "bearer":
            headers["Authorization"] = f"Bearer {secret}"
        elif self.told("auth") == "header":
            headers[self.told("auth_header")] = secret
        if any("\r" in text or "\n" in text for pair in headers.items() for text in pair):
            raise ProviderMisconfigured("A header has a line break in it.")
        return headers

    def send(self, messages: Sequence[OutgoingSms], witness: Witness) -> None:
        session = self._opened()
        for message in messages:
            witness.starting(message.reference)
            if (why := unusable(message)) is not None:
                witness.refused(message.reference, *why)
                continue
            try:
                with session.request(**self._request(message), stream=True, timeout=self._timeouts()) as answer:
                    content = b"".join(answer.iter_content(MOST_OCTETS))[:MOST_OCTETS]
            except ProviderMisconfigured:  # it leads into a private network: nothing was sent
                witness.not_left(message.reference)
                raise
            except (RequestException, UnicodeError, ValueError) as error:
                if not isinstance(error, RequestException) or http.never_left(error):
                    witness.not_left(message.reference)
                    raise ProviderTrouble(f"The gateway cannot be reached ({type(error).__name__}).") from error
                raise OutcomeUnknown(f"The gateway did not answer ({type(error).__name__}).") from error
            self._judge(answer, content, message.reference, witness)

    def _timeouts(self) -> tuple[float, float]:
        return http.CONNECT_SECONDS, self.number("timeout_seconds", 60)

    def _request(self, message: OutgoingSms) -> dict[str, Any]:
        """What is asked, with every value in its place and escaped for it."""
        values = {
            "to": message.recipient,
            "from": self.told("from_number"),
            "text": message.body,
            "reference": message.reference,
            "callback": self.callback_for(message),
            "secret": self.told("secret"),
        }
        body = filled(self._body, values)
        asked: dict[str, Any] = {"method": self.told("method"), "url": filled_address(self.told("url"), values)}
        match self.told("body_format"):
            case "json":
                asked |= {"data": json.dumps(body).encode(), "headers": {"Content-Type": "application/json"}}
            case "form":
                asked["data"] = body
            case _:
                asked["params"] = body
        return asked

    def _judge(self, answer: requests.Response, content: bytes, reference: str, witness: Witness) -> None:
        status = answer.status_code
        summary = f"The gateway answered {status}."
        document = _json_of(content)
        said_no = self.told("error_pointer") and text_at(document, self.told("error_pointer"))
        if said_no:
            summary = f"{summary} {without_addresses(said_no)[:200]}"
        if status in self._refused:
            self._doubts = 0
            witness.refused(reference, Reason.RECIPIENT_REFUSED, summary)
        elif status in self._trouble:
            witness.not_left(reference)
            raise ProviderTrouble(summary, retry_after_seconds=http.retry_after(answer.headers))
        elif status in self._accepted and not said_no:
            self._doubts = 0
            provider_id = text_at(document, self._id_at)
            if self._id_at and not provider_id:
                raise OutcomeUnknown("The gateway took a text and did not say its id where one was expected.")
            witness.handed_over(reference, provider_id[:200])
        elif status >= 500 or (status < 400 and not said_no):
            raise OutcomeUnknown(summary)
        else:
            self._doubt(status, summary, reference, witness)

    def _doubt(self, status: int, summary: str, reference: str, witness: Witness) -> None:
        """It said no in words that name nobody: one text is put off, and after some it is the connection's trouble."""
        self._doubts += 1
        if status in (401, 403, 404, 405) or self._doubts >= DOUBTS_BEFORE_TROUBLE:
            self._doubts = 0
            witness.not_left(reference)
            raise ProviderMisconfigured(summary)
        witness.deferred(reference, Reason.REFUSED_BY_PROVIDER, summary)

    def probe(self) -> ProbeResult:
        """Whether the settings make sense and something answers there: HEAD, which sends no text."""
        try:
            session = self._opened()
            address = urlsplit(self.told("url"))
            with session.request(
                "HEAD", f"{address.scheme}://{address.netloc}/", timeout=self._timeouts(), stream=True
            ):
                return ProbeResult(True, "The gateway's server answers. A test text shows the rest.", "", ("server",))
        except ProviderMisconfigured as error:
            return ProbeResult(False, str(error), "misconfigured")
        except requests.TooManyRedirects:
            return ProbeResult(True, "The gateway's server answers. A test text shows the rest.", "", ("server",))
        except (RequestException, ValueError) as error:
            return ProbeResult(False, f"The gateway does not answer ({type(error).__name__}).", "does_not_answer")
        finally:
            self.close()

    def authenticate(self, arrival: Arrival) -> None:
        gateway_webhooks.authenticate(self.told, arrival)

    def read(self, arrival: Arrival) -> Sequence[Report]:
        return gateway_webhooks.read(self.told, arrival)


def _json_of(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None
