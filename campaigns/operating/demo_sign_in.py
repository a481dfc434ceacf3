"""The sign-in of a demo's owner, kept beside the embedded services so that a later run can show it again."""

import json
import secrets
from pathlib import Path

from django.conf import settings

from tenants.access.models import User
from winback.runtime import processes


def password_of(email: str) -> str:
    """The password of the demo's owner: drawn at the first run, and anew where the one that is kept does not fit."""
    path = Path(settings.WINBACK_HOME) / "demo" / "sign-in.json"
    kept: dict[str, str] = processes.read_json(path)
    user = User.objects.get(email=email)
    if email not in kept or not user.check_password(kept[email]):
        kept[email] = secrets.token_urlsafe(12)
        user.set_password(kept[email])
        user.save(update_fields=["password"])
        path.parent.mkdir(parents=True, exist_ok=True)
        processes.write_private(path, json.dumps(kept))
    return kept[email]
