from django.apps import AppConfig
from django.db.models.signals import post_migrate

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
        from tenants.accounts.installation_keys import make_after_migrating  # noqa: PLC0415

        post_migrate.connect(make_after_migrating, sender=self, dispatch_uid="winback.installation_keys")
        console.furnish(console_site())
