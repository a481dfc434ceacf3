"""AWS's errors in our words: the reasons of its service description, and the names of boto's own errors."""

from dataclasses import dataclass

from winback.providers.reasons import Reason

# Reasons of ValidationException and ConflictException that concern one recipient.
REFUSALS = {
    "DESTINATION_PHONE_NUMBER_OPTED_OUT": Reason.OPTED_OUT_AT_PROVIDER,
    "DESTINATION_PHONE_NUMBER_BLOCKED_BY_PROTECT_NUMBER_OVERRIDE": Reason.SUPPRESSED_AT_PROVIDER,
    "DESTINATION_COUNTRY_BLOCKED_BY_PROTECT_CONFIGURATION": Reason.REGION_NOT_ENABLED,
    "DESTINATION_COUNTRY_BLOCKED": Reason.REGION_NOT_ENABLED,
    "COUNTRY_NOT_ENABLED": Reason.REGION_NOT_ENABLED,
    "INVALID_IDENTITY_FOR_DESTINATION_COUNTRY": Reason.REGION_NOT_ENABLED,
    "INTERNATIONAL_SENDING_NOT_SUPPORTED": Reason.REGION_NOT_ENABLED,
    "MAXIMUM_SIZE_EXCEEDED": Reason.CONTENT_REFUSED,
}
RATE = frozenset({"ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded"})
NEVER_LEFT = frozenset({"EndpointConnectionError", "ConnectTimeoutError", "ProxyConnectionError", "SSLError"})
SILENT = frozenset(
    {"ReadTimeoutError", "ConnectionClosedError", "HTTPClientError", "ResponseStreamingError", "ResponseParserError",
     "IncompleteReadError", "ConnectionError"}
)  # fmt: skip


@dataclass
class AwsError(Exception):
    """An error of the service (with its HTTP status), or of boto on the way to it (status 0, the class as its name)."""

    name: str
    reason: str = ""
    status: int = 0
    said: str = ""

    def __str__(self) -> str:
        return " ".join(
            filter(None, (f"AWS answered {self.status}:" if self.status else "", self.name, self.reason, self.said))
        )
