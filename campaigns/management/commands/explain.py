from datetime import datetime

from django.core.management.base import CommandError, CommandParser

from campaigns.operating.explaining import NoSuchContact, explain, find_contact
from tenants.accounts.commands import TenantCommand
from tenants.accounts.models import Tenant
from winback.commands import Keys


class Command(TenantCommand):
    help = (
        "Says why a contact is or is not dormant, enrolled and writable over each channel, and what comes next. "
        "Run it whenever somebody asks why they were written to, or were not."
    )
    tenant_required = True
    takes_dry_run = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("contact", metavar="CONTACT", help="External id, e-mail address or phone number.")
        super().add_arguments(parser)

    def handle_tenant(self, tenant: Tenant, *, now: datetime, options: Keys) -> Keys:
        try:
            contact = find_contact(tenant, options["contact"])
        except NoSuchContact as error:
            raise CommandError(str(error)) from error
        return explain(tenant, contact, now=now)

    def print_lines(self, keys: Keys, indent: str = "") -> None:
        """For a person: four questions and their answers."""
        if "writable" not in keys:
            super().print_lines(keys, indent)
            return
        episode = keys["episode"]
        since = f" since {episode['lapsed_from'][:10]}, cohort {episode['cohort_months']}" if episode else ""
        self.stdout.write(f"{indent}dormant   {'yes' if keys['dormant'] else 'no'}{since}")
        if keys["reasons"]:
            self.stdout.write(f"{indent}because   {', '.join(keys['reasons'])}")
        for channel, answer in keys["writable"].items():
            words = "may be written to" if answer["allowed"] else f"no: {', '.join(answer['reasons'])}"
            later = f", not before {answer['not_before']}" if answer["not_before"] else ""
            self.stdout.write(f"{indent}{channel.ljust(8)}  {words}{later}")
            for cap in answer["caps"]:
                full = f", full until {cap['full_until']}" if cap["full_until"] else ""
                unsure = "" if cap["place_known"] else ", for its state is not known"
                self.stdout.write(
                    f"{indent}          cap {cap['rule']}: {cap['touches']} of {cap['most']} in {cap['hours']} hours"
                    f"{full}{unsure}"
                )
        followed = keys["following"]
        why = f"no: {followed['reason']}{' by ' + followed['rule'] if followed['rule'] else ''}"
        self.stdout.write(f"{indent}followed  {'opens and clicks may be counted' if followed['allowed'] else why}")
        following = keys["next"]
        if following:
            names = " ".join(str(following[key]) for key in ("what", "step", "channel") if following.get(key))
            self.stdout.write(f"{indent}next      {names} at {following['at']}")
        else:
            self.stdout.write(f"{indent}next      nothing, until something new is known")
