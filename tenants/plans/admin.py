"""The console of what a tenant has used of its plan."""

from django.contrib import admin

from tenants.accounts.console import TenantAdmin, nothing_yet
from tenants.plans.models import Usage


@admin.register(Usage)
class UsageAdmin(TenantAdmin):
    """Metered features by calendar month."""

    console_section = "Settings"
    console_icon = "chart"
    console_order = 50
    console_name = "Usage"
    console_many = "lines of usage"
    console_empty = nothing_yet(
        "Nothing was used yet", "What the plan meters is counted here by the month.", icon="chart"
    )
    list_display = ("feature", "month", "amount")
    list_filter = ("feature",)
    ordering = ("-month", "feature", "pk")
    fields = ("feature", "month", "amount")
