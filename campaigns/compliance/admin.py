"""The console of the touch ledger, and of what is known of recipients' domains."""

from django.contrib import admin

from campaigns.audience.models import Channel
from campaigns.compliance import runway_page
from campaigns.compliance.models import RecipientDomain, Touch
from tenants.accounts.console import HistoryAdmin, nothing_yet
from winback.console.admin_base import choices_filter
from winback.console.columns import link_column
from winback.console.templatetags.console import pill


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
    list_filter = (choices_filter("channel", Channel.choices),)
    linked_by = ("household", "message")
    sortable_by = ()
    fields = ("home", "ordinal", "what", "channel", "touched_at")
    readonly_fields = ("home", "what")
    home = staticmethod(link_column("household"))
    what = staticmethod(link_column("message"))


_BECAUSE = {
    "no_such_domain": "There is no such domain.",
    "no_server": "It has no server for mail.",
    "null_mx": "It says itself that it takes none.",
}


@admin.register(RecipientDomain)
class RecipientDomainAdmin(HistoryAdmin):
    """Whether the domains of customers' addresses take mail: what the DNS last said."""

    console_section = "Audience"
    console_icon = "mail"
    console_order = 65
    console_name = "Recipients’ domains"
    console_many = "domains"
    console_empty = nothing_yet(
        "No domain was looked up yet",
        "Before somebody’s first e-mail their domain is looked up: once customers are dormant and a provider that "
        "reaches people is connected. By hand: manage.py check_recipient_domains --tenant …",
        icon="mail",
    )
    list_display = ("domain", "answer", "because", "checked_at")
    list_filter = ("takes_mail",)
    sortable_by = ()
    ordering = ("domain",)
    search_fields = ("domain",)
    search_beginning = str.lower
    search_help_text = "Domain, from its beginning"
    fields = ("domain", "answer", "because", "checked_at", "asked_at")
    readonly_fields = ("answer", "because")

    @admin.display(description="Why")
    def because(self, row: RecipientDomain) -> str:
        return _BECAUSE.get(row.why, row.why)

    @admin.display(description="Takes mail")
    def answer(self, row: RecipientDomain) -> str:
        if row.takes_mail is None:
            return pill("no answer yet", "info")
        return pill("yes", "good") if row.takes_mail else pill("no", "bad")


__all__ = ["runway_page"]
