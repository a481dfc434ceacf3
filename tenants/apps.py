from django.apps import AppConfig

from winback import checks, tenancy
from winback.console.site import console_site


class TenantsConfig(AppConfig):
    name = "tenants"
    verbose_name = "Tenants"

    def ready(self) -> None:
        tenancy.install()
        checks.install()
        # The apps' models are there only now; the module imports them.
        from tenants.access import console  # noqa: PLC0415

        console.furnish(console_site())
