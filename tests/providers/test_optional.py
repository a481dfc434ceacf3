"""Every external service is optional: what is not used is not loaded, and without any of them the rest goes on."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import pytest

from winback.providers import registry
from winback.providers.errors import ProviderMisconfigured

ROOT = Path(__file__).resolve().parents[2]
# What an address book of all adapters must not load: each has a door that loads it when it is used.
HEAVY = ("boto3", "botocore", "s3transfer", "jmespath", "moto", "svix", "flask")
_LOAD = """
import json, sys, time
begun = time.process_time()
import winback.providers.registry as registry
seconds = time.process_time() - begun
from winback.providers.email.base import OutgoingEmail
print(json.dumps({"seconds": seconds, "modules": sorted(sys.modules), "choices": len(registry.choices("email"))}))
"""
_WITHOUT = """
import sys
for name in sys.argv[1:]:
    sys.modules[name] = None  # importing it raises ImportError
import winback.providers.registry as registry
from winback.providers.errors import ProviderMisconfigured
for kind, found in registry.KINDS.items():
    for code in found:
        registry.build(kind, code, {}, {}).probe()
print("ok")
"""


def _python(code: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_naming_every_provider_loads_no_vendors_sdk() -> None:
    said = json.loads(_python(_LOAD))

    assert [name for name in HEAVY if name in said["modules"]] == []
    assert said["choices"] == len(registry.choices("email"))
    assert said["seconds"] < 5, "of the processor, on the slowest machine; about 0.6 is usual"


def test_the_form_and_the_probe_of_each_work_where_no_sdk_is_installed() -> None:
    assert _python(_WITHOUT, *HEAVY).strip() == "ok"


def test_where_its_sdk_is_missing_amazon_ses_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("boto3", "winback.providers.email.aws"):
        monkeypatch.setitem(sys.modules, name, None)
    told = {"access_key_id": "a", "secret_access_key": "b", "region": "eu-central-1"}

    result = registry.build("email", "amazon-ses", told, {}).probe()

    assert (result.ok, result.code) == (False, "misconfigured")
    assert "boto3" in result.detail


def test_an_adapter_that_is_gone_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    rest = {code: each for code, each in registry.EMAIL.items() if code != "postmark"}
    monkeypatch.setitem(cast(dict[str, Any], registry.KINDS), "email", rest)

    with pytest.raises(ProviderMisconfigured, match="postmark"):
        registry.build("email", "postmark", {}, {})
