"""What the two import commands share."""

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import Any

from django.core.management.base import CommandError, CommandParser

from campaigns.audience.import_kinds import Kind
from campaigns.audience.importing import import_file
from campaigns.audience.mapping import FileMapping, read_mapping
from campaigns.audience.reading import UnreadableFile
from tenants.accounts.commands import TenantCommand
from tenants.accounts.models import Tenant
from winback.commands import Keys, WrongUsage


class ImportCommand(TenantCommand):
    """A command over one file of one kind."""

    kind: Kind
    opens_scope = False
    tenant_required = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        super().add_arguments(parser)
        parser.add_argument("--mapping", type=Path, metavar="FILE.json", help="How to read a file with other columns.")

    def handle_tenant(self, tenant: Tenant, *, now: datetime, options: Keys) -> Keys:
        started = monotonic()
        path = Path(options["file"])
        if not path.is_file():
            raise WrongUsage(f"There is no file {path}.")
        mapping, content = self._mapping(options.get("mapping"))
        try:
            with self.progress(f"Importing {self.kind.name}") as bar:
                report = import_file(
                    self.kind,
                    tenant,
                    path,
                    now=now,
                    read_at=self.now({}),
                    mapping=mapping,
                    mapping_content=content,
                    dry_run=bool(options.get("dry_run")),
                    progress=bar.move_to,
                )
        except UnreadableFile as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(
                f"{error.filename or path}: {error.strerror or error}. What was imported is kept: run it again."
            ) from error
        keys = asdict(report) | {"seconds": round(monotonic() - started, 3)}
        if self.kind.name != "contacts":
            del keys["consents_to_come"]
        return keys

    def _mapping(self, path: str | Path | None) -> tuple[FileMapping | None, Any]:
        if path is None:
            return None, None
        try:
            content = json.loads(Path(path).read_text(encoding="utf-8-sig"))
            return read_mapping(content, self.kind.name), content
        except (ValueError, OSError) as error:
            raise WrongUsage(f"The mapping {path} cannot be used: {error}") from error
