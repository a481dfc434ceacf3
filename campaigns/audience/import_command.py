"""What the two import commands share."""

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from time import monotonic

from django.core.management.base import CommandError, CommandParser

from campaigns.audience.importing import Kind, import_file
from campaigns.audience.mapping import InvalidMapping, read_mapping
from campaigns.audience.reading import UnreadableFile
from tenants.accounts.commands import TenantCommand
from tenants.accounts.models import Tenant
from winback.commands import Keys


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
        try:
            content = json.loads(Path(options["mapping"]).read_text()) if options.get("mapping") else None
            mapping = read_mapping(content, self.kind.name) if content is not None else None
            with self.progress(f"Importing {self.kind.name}") as bar:
                report = import_file(
                    self.kind,
                    tenant,
                    Path(options["file"]),
                    now=now,
                    mapping=mapping,
                    mapping_content=content,
                    dry_run=bool(options.get("dry_run")),
                    progress=bar.move_to,
                )
        except (UnreadableFile, InvalidMapping) as error:
            raise CommandError(str(error)) from error
        except (json.JSONDecodeError, OSError) as error:
            raise CommandError(f"The mapping cannot be read: {error}") from error
        return asdict(report) | {"seconds": round(monotonic() - started, 3)}
