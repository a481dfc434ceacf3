"""boto3 with the keys of one connection, and nothing of the process: no environment, no files, no instance's role.

Loaded when Amazon SES is used and not before: boto3 takes longer to import than all other providers together.
"""

from typing import Any

import boto3
from botocore.client import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import BOTOCORE_DEFAUT_SESSION_VARIABLES, Session

from winback.providers.email.services.service import Told
from winback.providers.errors import ProviderMisconfigured, ProviderTrouble

_SETTINGS = frozenset({400, 401, 403, 404})


def options(told: Told) -> dict[str, Any]:
    """The options of anymail's backend."""
    seconds = _seconds(told)
    config = Config(
        connect_timeout=10,
        read_timeout=seconds,
        # Else botocore posts again by itself after a time-out, and a customer gets two messages.
        retries={"total_max_attempts": 1, "mode": "standard"},
        ignore_configured_endpoint_urls=True,
    )
    return {
        "session_params": {
            "aws_access_key_id": told("access_key_id"),
            "aws_secret_access_key": told("secret_access_key"),
            "region_name": told("region"),
            "botocore_session": _isolated(),
        },
        "client_params": {"config": config, "endpoint_url": told("api_url") or None},
        "configuration_set_name": told("configuration_set") or None,
        "message_tag_name": None,
    }


def _isolated() -> Session:
    """A session whose every variable has its default: AWS_… and the files in ~/.aws are other people's."""
    session = Session()
    for name, (_, _, default, _) in BOTOCORE_DEFAUT_SESSION_VARIABLES.items():
        session.set_config_variable(name, default)
    return session


def _seconds(told: Told) -> float:
    try:
        return float(told("timeout_seconds") or 60)
    except ValueError as error:
        raise ProviderMisconfigured("The time-out is not a number.") from error


def account(told: Told) -> dict[str, Any]:
    """What SES says of the account; raises ProviderTrouble."""
    given = options(told)
    client = boto3.session.Session(**given["session_params"]).client("sesv2", **given["client_params"])
    try:
        return dict(client.get_account())
    except ClientError as error:
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0)
        summary = f"answered {status}: {error.response.get('Error', {}).get('Message', '')}"
        raise (ProviderMisconfigured if status in _SETTINGS else ProviderTrouble)(summary) from error
    except (BotoCoreError, ValueError) as error:  # ValueError: an impossible region or address
        wrong = isinstance(error, ValueError)
        kind = ProviderMisconfigured if wrong else ProviderTrouble
        raise kind(f"does not answer ({type(error).__name__})") from error
    finally:
        client.close()
