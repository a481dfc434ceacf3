from django.apps import AppConfig

from winback import checks, tenancy


class TenantsConfig(AppConfig):
    name = "tenants"
    verbose_name = "Tenants"

    def ready(self) -> None:
        tenancy.install()
        checks.install()
