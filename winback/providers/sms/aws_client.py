"""The boto3 client of one connection, with its errors as ours. Imported when a text is sent, never before."""

from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from winback.providers.email.aws import options
from winback.providers.email.services.service import Told
from winback.providers.errors import ProviderMisconfigured
from winback.providers.sms.aws_errors import AwsError


def client(told: Told) -> Any:
    """A client with this connection's keys alone, which tries nothing twice by itself."""
    given = options(told)
    try:
        session = boto3.session.Session(**given["session_params"])
        return session.client("pinpoint-sms-voice-v2", **given["client_params"])
    except (BotoCoreError, ValueError) as error:  # an impossible region or address
        raise ProviderMisconfigured(f"AWS cannot be asked ({type(error).__name__}): {error}") from error


def ask(opened: Any, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
    """One call; raises AwsError, whatever went wrong."""
    try:
        answer: dict[str, Any] = getattr(opened, operation)(**asked)
    except ClientError as error:
        told = error.response
        raise AwsError(
            name=str(told.get("Error", {}).get("Code", "")),
            reason=str(told.get("Reason", "")),
            status=int(told.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0),
            said=str(told.get("Error", {}).get("Message", ""))[:200],
        ) from error
    except BotoCoreError as error:
        raise AwsError(name=type(error).__name__, said=str(error)[:200]) from error
    return answer
