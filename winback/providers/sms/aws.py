"""AWS End User Messaging: texts by its API, reports and people's texts through SNS (or EventBridge to SNS)."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.module_loading import import_string

from winback.providers.email import sns
from winback.providers.errors import OutcomeUnknown, ProviderMisconfigured, ProviderTrouble, without_addresses
from winback.providers.fields import Field
from winback.providers.handing import ProbeResult, Witness
from winback.providers.reasons import Reason
from winback.providers.receiving import Arrival, NotAuthentic, Report
from winback.providers.sms import aws_events
from winback.providers.sms.aws_errors import NEVER_LEFT, RATE, REFUSALS, SILENT, AwsError
from winback.providers.sms.base import OutgoingSms, SmsProvider, unusable

DOUBTS_BEFORE_TROUBLE = 3


class AwsProvider(SmsProvider):
    """``SendTextMessage`` of pinpoint-sms-voice-v2, with the keys of this connection and nothing of the process."""

    code = "aws"
    label = "AWS End User Messaging (SMS)"
    takes_webhooks = True
    fields = (
        Field(
            "access_key_id", "Access key ID",
            help="Of an IAM user that may sms-voice:SendTextMessage and sms-voice:DescribeAccountAttributes. No other "
            "AWS setting of this host counts.",
        ),
        Field("secret_access_key", "Secret access key", secret=True),
        Field("region", "Region", help="Such as us-east-1."),
        Field("origination_identity", "Sender", help="The number, its ID, a pool's ID or ARN, or a sender ID."),
        Field("message_type", "Kind of texts", choices=("PROMOTIONAL", "TRANSACTIONAL"), default="PROMOTIONAL"),
        Field("configuration_set", "Configuration set", required=False, help="Its events go to the SNS topic below."),
        Field(
            "topic_arns", "SNS topics", required=False,
            help="The ARNs of the topics that post events and people's texts here; spaces between.",
        ),
    )  # fmt: skip

    def __init__(self, credentials: Mapping[str, str], settings: Mapping[str, object]) -> None:
        super().__init__(credentials, settings)
        self._client: Any = None
        self._doubts = 0
        self.fetch: sns.Fetch = sns.fetched
        """How a topic is confirmed."""
        self.fetch_certificate: sns.Fetch = sns.certificate

    def _connected(self) -> Any:
        if self._client is None:
            self.check_told()
            # boto3 is slow to import: loaded when it is used.
            self._client = import_string("winback.providers.sms.aws_client.client")(self.told)
        return self._client

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def send(self, messages: Sequence[OutgoingSms], witness: Witness) -> None:
        self._connected()
        for message in messages:
            witness.starting(message.reference)
            if (why := unusable(message)) is not None:
                witness.refused(message.reference, *why)
                continue
            asked: dict[str, Any] = {
                "DestinationPhoneNumber": message.recipient,
                "OriginationIdentity": self.told("origination_identity"),
                "MessageBody": message.body,
                "MessageType": self.told("message_type"),
                "Context": {aws_events.CONTEXT: message.reference},
            }
            if self.told("configuration_set"):
                asked["ConfigurationSetName"] = self.told("configuration_set")
            try:
                answer = self._ask("send_text_message", asked)
            except AwsError as error:
                self._judge(error, message.reference, witness)
                continue
            if not answer.get("MessageId"):  # it said yes in words that nobody understands
                raise OutcomeUnknown("AWS took a text and did not say its id.")
            self._doubts = 0
            witness.handed_over(message.reference, str(answer["MessageId"]))

    def _ask(self, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        opened = self._connected()
        answer: dict[str, Any] = import_string("winback.providers.sms.aws_client.ask")(opened, operation, asked)
        return answer

    def _judge(self, error: AwsError, reference: str, witness: Witness) -> None:
        """Whose turn it is."""
        if (refusal := REFUSALS.get(error.reason)) is not None:
            self._doubts = 0
            witness.refused(reference, refusal, without_addresses(error))
        elif error.name in RATE | NEVER_LEFT:
            witness.not_left(reference)
            raise ProviderTrouble(error) from error
        elif error.name in SILENT or error.status >= 500 or 0 < error.status < 400:
            raise OutcomeUnknown(error) from error
        else:
            self._doubt(error, reference, witness)

    def _doubt(self, error: AwsError, reference: str, witness: Witness) -> None:
        """The service finds something wrong and names nobody; boto, that the service's own description forbids it."""
        self._doubts += 1
        if error.name != "ValidationException" or self._doubts >= DOUBTS_BEFORE_TROUBLE:
            self._doubts = 0
            witness.not_left(reference)
            raise ProviderMisconfigured(error) from error
        witness.deferred(reference, Reason.REFUSED_BY_PROVIDER, without_addresses(error))

    def probe(self) -> ProbeResult:
        try:
            attributes = self._ask("describe_account_attributes", {}).get("AccountAttributes", [])
        except ProviderMisconfigured as error:
            return ProbeResult(False, str(error), "misconfigured")
        except AwsError as error:
            silent = error.status >= 500 or error.name in RATE | NEVER_LEFT | SILENT
            return ProbeResult(False, without_addresses(error), "does_not_answer" if silent else "misconfigured")
        finally:
            self.close()
        sandbox = any(each.get("Name") == "ACCOUNT_TIER" and each.get("Value") == "SANDBOX" for each in attributes)
        note = " It is in the sandbox: only verified numbers get texts." if sandbox else ""
        return ProbeResult(True, f"AWS answers in {self.told('region')}.{note}", "", ("credentials",))

    def authenticate(self, arrival: Arrival) -> None:
        if arrival.method != "POST" or not arrival.body:
            raise NotAuthentic("AWS posts its reports.")
        self._verified(arrival)

    def read(self, arrival: Arrival) -> Sequence[Report]:
        """Nothing, for what SNS says of the subscription itself."""
        return aws_events.read(arrival) if sns.is_notification(arrival) else ()

    def confirm(self, arrival: Arrival) -> bool:
        """Confirm the topic that an arrival asks us to confirm, where the connection names it. Goes to the network."""
        return sns.confirm(self._verified(arrival), fetch=self.fetch)

    def _verified(self, arrival: Arrival) -> dict[str, str]:
        topics = frozenset(self.told("topic_arns").replace(",", " ").split())
        return sns.verify(arrival, topics=topics, fetch=self.fetch_certificate)
