from datetime import datetime

from campaigns.compliance.runway import look, report
from tenants.accounts.commands import TenantCommand
from tenants.accounts.models import Tenant
from winback.commands import Keys


class Command(TenantCommand):
    help = (
        "Counts who may be written to today and will not be in 30, 60 or 90 days, by channel and by what ends: consent "
        "implied by business, or the limit of silence. Run it monthly, and ask those people for consent in time."
    )
    how_often = "monthly."
    takes_dry_run = False

    def handle_tenant(self, tenant: Tenant, *, now: datetime, options: Keys) -> Keys:
        return {"as_of": now.astimezone(tenant.zone).date().isoformat(), **report(look(tenant, now=now, most=0).lines)}

    def print_lines(self, keys: Keys, indent: str = "") -> None:
        if "by" not in keys:
            super().print_lines(keys, indent)
            return
        self.stdout.write(f"{indent}{'':44}{'30 days':>9}{'60 days':>9}{'90 days':>9}")
        for line in keys["by"]:
            name = f"{line['channel']}: {line['rule'] or line['reason']}"
            counts = "".join(f"{line[f'within_{days}']:>9}" for days in (30, 60, 90))
            self.stdout.write(f"{indent}{name:44}{counts}")
        total = "".join(f"{keys['total'][str(days)]:>9}" for days in (30, 60, 90))
        self.stdout.write(f"{indent}{'in all':44}{total}")
