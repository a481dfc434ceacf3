"""What an e-mail service's answer means for the message that it was given, and for the rest."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from requests.exceptions import RequestException

from winback.providers import http
from winback.providers.email.services.service import About, Service
from winback.providers.errors import OutcomeUnknown, ProviderMisconfigured, ProviderTrouble, without_addresses
from winback.providers.handing import Witness
from winback.providers.reasons import Reason

DOUBTS_BEFORE_TROUBLE = 3
_PAYS_OR_MAY_NOT = frozenset({401, 402, 403})
# By name, so that nobody loads botocore for them: what it raises before anything is on its way.
_BOTO_NEVER_LEFT = frozenset(
    {"EndpointConnectionError", "ConnectTimeoutError", "ProxyConnectionError", "SSLError", "NoCredentialsError"}
)


@dataclass(frozen=True)
class Answer:
    """What a service answered when it did not plainly take a message."""

    status: int
    code: str = ""
    said: str = ""
    retry_after_seconds: float | None = None
    certain: bool = False
    """It says that the message was not taken, whatever the status says."""


def answer_of(service: Service, response: Any) -> Answer:
    """The answer in a response of requests, or in the dictionary that botocore keeps of one."""
    if isinstance(response, Mapping):
        error, meta = response.get("Error", {}), response.get("ResponseMetadata", {})
        return Answer(int(meta.get("HTTPStatusCode") or 0), str(error.get("Code", "")), str(error.get("Message", "")))
    try:
        body = response.json()
    except ValueError:
        return Answer(response.status_code, "", "no JSON", http.retry_after(response.headers))
    try:
        code, said = service.answer(body)
        certain = service.refuses(body)
    except (KeyError, TypeError, AttributeError, IndexError, ValueError):
        code, said, certain = "", "", False
    return Answer(response.status_code, code, said, http.retry_after(response.headers), certain)


class Judge:
    """Tells the witness what an answer means for one message; raises when it concerns the rest as well.

    An answer that nobody knows is doubtful: is it about this message, or about all of ours? Three in a row are no
    coincidence.
    """

    def __init__(self, service: Service) -> None:
        self.service = service
        self._doubts = 0

    def taken(self, reference: str, provider_id: str, witness: Witness) -> None:
        self._doubts = 0
        witness.handed_over(reference, provider_id)

    def silence(self, error: Exception) -> ProviderTrouble:
        """The error for a request that got no answer: whether it may have arrived."""
        cause = error.__cause__ or error
        left_for_certain = isinstance(error, RequestException) and http.never_left(error)
        if left_for_certain or type(cause).__name__ in _BOTO_NEVER_LEFT:
            return ProviderTrouble(f"{self.service.label} cannot be reached ({type(cause).__name__}).")
        return OutcomeUnknown(f"{self.service.label} did not answer ({type(cause).__name__}).")

    def whole(self, answer: Answer) -> ProviderTrouble | None:
        """The error that an answer is for every message alike; None when it may be about one alone."""
        summary = self._summary(answer)
        if not answer.certain and (answer.status < 400 or answer.status >= 500):
            return OutcomeUnknown(summary)  # it had the message, and what it says about it cannot be relied on
        meaning = self._meaning(answer)
        if meaning is About.RATE or (answer.status == 429 and meaning is None):
            return ProviderTrouble(summary, retry_after_seconds=answer.retry_after_seconds)
        if meaning is About.SETTINGS or (answer.status in _PAYS_OR_MAY_NOT and meaning is None):
            return ProviderMisconfigured(summary)
        return None

    def judge(self, answer: Answer, reference: str, witness: Witness, *, otherwise: Reason | None = None) -> None:
        """``otherwise``: why this recipient is refused where no rule knows the answer; None: that is doubtful."""
        meaning = self._meaning(answer)
        trouble = self.whole(answer) if otherwise is None or isinstance(meaning, About) else None
        if trouble is not None:
            if not isinstance(trouble, OutcomeUnknown):
                witness.not_left(reference)
            raise trouble
        detail = without_addresses(f"{answer.code} {answer.said}".strip())
        reason = meaning if isinstance(meaning, Reason) else otherwise
        if reason is Reason.REFUSED_FOR_NOW:
            self._doubts = 0
            witness.deferred(reference, reason, detail)
        elif reason is not None:
            self._doubts = 0
            witness.refused(reference, reason, detail)
        else:
            self._doubt(answer, reference, witness)

    def _doubt(self, answer: Answer, reference: str, witness: Witness) -> None:
        self._doubts += 1
        if self._doubts >= DOUBTS_BEFORE_TROUBLE:
            self._doubts = 0
            witness.not_left(reference)
            raise ProviderMisconfigured(self._summary(answer))
        witness.deferred(reference, Reason.REFUSED_BY_PROVIDER, without_addresses(self._summary(answer)))

    def _meaning(self, answer: Answer) -> Reason | About | None:
        fitting = (rule.means for rule in self.service.rules if rule.fits(answer.status, answer.code, answer.said))
        return next(fitting, None)

    def _summary(self, answer: Answer) -> str:
        return f"{self.service.label} answered {answer.status}, error {answer.code or 0}: {answer.said}"
