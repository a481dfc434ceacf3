"""boto3 with the keys of one connection, and nothing of the process: no environment, no files, no instance's role.

Loaded when Amazon SES is used and not before: boto3 takes longer to import than all other providers together.
"""

import os
from typing import Any

import boto3
from botocore.client import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import BOTOCORE_DEFAUT_SESSION_VARIABLES, Session
from botocore.utils import validate_region_name

from winback.providers.email.services.service import Told
from winback.providers.errors import ProviderMisconfigured, ProviderTrouble

_SETTINGS = frozenset({400, 401, 403, 404})
_FILES = frozenset({"config_file", "credentials_file"})


def options(told: Told) -> dict[str, Any]:
    """The options of anymail's backend."""
    region, seconds = _region(told), _seconds(told)
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
            "region_name": region,
            "botocore_session": _isolated(region),
        },
        "client_params": {"config": config, "endpoint_url": told("api_url") or None},
        "configuration_set_name": told("configuration_set") or None,
        "message_tag_name": None,
    }


def _isolated(region: str) -> Session:
    """A session whose every variable has its default: AWS_… and the files in ~/.aws are other people's."""
    session = Session()
    store = session.get_component("config_store")
    for name, (_, _, default, _) in BOTOCORE_DEFAUT_SESSION_VARIABLES.items():
        store.set_config_variable(name, os.devnull if name in _FILES else default)
    store.set_config_variable("region", region)
    return session


def _region(told: Told) -> str:
    try:
        validate_region_name(told("region"))
    except BotoCoreError as error:
        raise ProviderMisconfigured(f"There can be no region {told('region')!r}.") from error
    return told("region")


def _seconds(told: Told) -> float:
    try:
        return float(told("timeout_seconds") or 60)
    except ValueError as error:
        raise ProviderMisconfigured("The time-out is not a number.") from error


def account(told: Told) -> dict[str, Any]:
    """What SES says of the account; raises ProviderTrouble."""
    given = options(told)
    try:
        client = boto3.session.Session(**given["session_params"]).client("sesv2", **given["client_params"])
        try:
            return dict(client.get_account())
        finally:
            client.close()
    except ClientError as error:
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0)
        summary = f"answered {status}: {error.response.get('Error', {}).get('Message', '')}"
        raise (ProviderMisconfigured if status in _SETTINGS else ProviderTrouble)(summary) from error
    except (BotoCoreError, ValueError) as error:  # ValueError: an impossible address
        wrong = isinstance(error, ValueError)
        kind = ProviderMisconfigured if wrong else ProviderTrouble
        raise kind(f"does not answer ({type(error).__name__})") from error
