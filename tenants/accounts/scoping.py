"""TenantScoped: what every tenant-owned model inherits, and for_tenant(), which begins every query on one."""

from typing import Any, Self, TypeVar

from django.db import models

from winback.tenancy import require_scope_for

ModelT = TypeVar("ModelT", bound=models.Model)


class TenantScopedQuerySet(models.QuerySet[ModelT]):
    """Queries that begin with the tenant they are for."""

    def for_tenant(self, tenant: "models.Model | int") -> Self:
        """Only this tenant's rows; raises when the tenant is outside the open scope."""
        tenant_id = tenant if isinstance(tenant, int) else tenant.pk
        require_scope_for(tenant_id)
        return self.filter(tenant_id=tenant_id)


class TenantScoped(models.Model):
    """A row that belongs to one tenant and that row-level security hides from every other."""

    tenant_scoped = True

    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.CASCADE, related_name="+", db_index=False)

    objects: models.Manager[Any] = models.Manager.from_queryset(TenantScopedQuerySet)()

    class Meta:
        abstract = True


class TenantScopedByItsKeys(TenantScoped):
    """A row of a large table whose tenant is held by its keys to other rows of the tenant, and by the policy.

    The key to the tenant itself would be looked up for every new row, and could not find anything else.
    """

    tenant = models.ForeignKey(
        "tenants.Tenant", on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )

    class Meta:
        abstract = True


class TenantForeignKey(models.ForeignKey):  # type: ignore[type-arg]
    """A key to a row of the same tenant: the database holds it as (tenant_id, column), see isolation.py."""

    def __init__(self, to: Any, on_delete: Any = models.CASCADE, **options: Any) -> None:
        options["db_constraint"] = False
        options.setdefault("db_index", False)  # indexes begin with the tenant and are named in Meta
        options.setdefault("related_name", "+")
        super().__init__(to, on_delete, **options)
