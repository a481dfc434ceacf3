"""``activate_module``: the same answer as the API's (contract.md §5)."""

import json
from argparse import SUPPRESS
from datetime import datetime
from typing import Any

from django.core.management.base import CommandParser

from tenants.accounts.commands import TenantCommand
from tenants.accounts.models import Tenant
from tenants.activation.activating import ModuleNotFound, activate
from tenants.activation.module_settings import SettingsInvalid
from tenants.connections import probing
from winback.commands import Keys, WrongUsage
from winback.tenancy import acting_for


class Command(TenantCommand):
    help = "Switches a module on for a tenant, or says what is still missing."
    how_often = "once for each module; again after mending what was missing, or with other settings."
    tenant_required = True
    opens_scope = False  # providers are asked outside any transaction

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        # Django's own --settings makes room: there is one settings module (winback/runtime/commandline.py).
        return super().create_parser(prog_name, subcommand, conflict_handler="resolve", **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("module_code", metavar="CODE", help="Such as dormant_customer_reactivation.")
        parser.add_argument(
            "--settings",
            dest="module_settings",
            metavar="JSON",
            help="The module's settings; its defaults where not given. Left out: as they were.",
        )
        parser.add_argument("--module-settings", dest="module_settings", help=SUPPRESS)
        parser.set_defaults(settings=None)  # Django asks for its own

    def handle_tenant(self, tenant: Tenant, *, now: datetime, options: Keys) -> Keys:
        settings = self._settings(options["module_settings"])
        probing.refresh(tenant, now=now)
        try:
            with acting_for(tenant.pk):
                answer = activate(tenant, options["module_code"], settings, now=now, actor="command line")
        except ModuleNotFound as error:
            self._refuse({"code": "module_not_found", "detail": str(error)}, options)
            raise WrongUsage(str(error)) from error
        except SettingsInvalid as error:
            self._refuse({"code": "settings_invalid", "detail": str(error), "errors": error.errors}, options)
            raise WrongUsage(f"The settings are not valid: {error}") from error
        return answer.body

    def _settings(self, text: str | None) -> dict[str, Any] | None:
        if text is None:
            return None
        try:
            value = json.loads(text)
        except ValueError as error:
            raise WrongUsage(f"--settings is not JSON: {error}") from error
        if not isinstance(value, dict):
            raise WrongUsage("--settings must be a JSON object.")
        return value

    def _refuse(self, problem: Keys, options: Keys) -> None:
        if options["json"]:
            self.print_json(problem)

    def print_lines(self, keys: Keys, indent: str = "") -> None:
        """For a person: the state, and one line for each thing that is missing, with how to mend it."""
        if "requirements" not in keys:
            super().print_lines(keys, indent)
            return
        self.stdout.write(f"{indent}{keys['module_code']}: {keys['state']}")
        for name in ("currently_due", "pending_verification", "eventually_due"):
            for requirement in keys["requirements"].get(name, []):
                when = name.replace("_", " ")
                self.stdout.write(f"{indent}  {when}: {requirement['message']} ({requirement['code']})")
                fix = requirement["fix"]
                self.stdout.write(f"{indent}    mend it: {fix.get('cli') or fix.get('console')}")
                if requirement["alternatives"]:
                    self.stdout.write(f"{indent}    or: {', '.join(requirement['alternatives'])}")
