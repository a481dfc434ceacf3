"""The console of reactivations."""

from django.contrib import admin

from campaigns.results.models import Reactivation
from tenants.accounts.console import HistoryAdmin, nothing_yet
from winback.console.columns import link_column, money_column, pill_column


@admin.register(Reactivation)
class ReactivationAdmin(HistoryAdmin):
    """Who came back, on either side, and what the first job brought."""

    console_section = "Insights"
    console_icon = "trophy"
    console_order = 10
    console_empty = nothing_yet(
        "Nobody has come back yet", "The first job within a campaign’s window is listed here.", icon="trophy"
    )
    list_display = (
        "__str__", link_column("contact"), link_column("campaign"), pill_column("arm"),
        money_column("amount_minor", "currency", "First job"), "reactivated_at",
    )  # fmt: skip
    list_select_related = ("contact", "campaign")
    list_filter = ("campaign", "arm")
    linked_by = ("contact",)
    sortable_by = ()
    fields = ("who", "where", "arm", "amount", "business", "assigned_at", "reactivated_at", "recorded_at")
    readonly_fields = ("who", "where", "amount", "business")
    who = staticmethod(link_column("contact"))
    where = staticmethod(link_column("campaign"))
    business = staticmethod(link_column("job"))
    amount = staticmethod(money_column("amount_minor", "currency", "First job"))
