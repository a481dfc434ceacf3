"""The console of the touch ledger."""

from django.contrib import admin

from campaigns.compliance import runway_page
from campaigns.compliance.models import Touch
from tenants.accounts.console import HistoryAdmin, nothing_yet
from winback.console.columns import link_column


@admin.register(Touch)
class TouchAdmin(HistoryAdmin):
    """Each household's touches: what the caps are counted from."""

    console_section = "Campaigns"
    console_icon = "shield"
    console_order = 80
    console_name = "Touches"
    console_many = "touches"
    console_empty = nothing_yet("No household was written to yet", "Caps are counted from this ledger.", icon="shield")
    list_display = ("__str__", link_column("household"), link_column("message"), "channel", "touched_at")
    list_select_related = ("household", "message")
    list_filter = ("channel",)
    linked_by = ("household", "message")
    sortable_by = ()
    fields = ("home", "ordinal", "what", "channel", "touched_at")
    readonly_fields = ("home", "what")
    home = staticmethod(link_column("household"))
    what = staticmethod(link_column("message"))


__all__ = ["runway_page"]
