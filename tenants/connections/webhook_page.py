"""The part of a connection's page that says where its provider is to report, and gives it a new address."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tenants.accounts.console import TenantAdmin
from tenants.connections import hooks
from tenants.connections.models import Connection
from winback.console.confirming import Confirmation
from winback.console.deeds import deed


class WebhookPage(TenantAdmin):
    """Shows the address to those who may manage connections: it is as good as a password."""

    def _shows_webhook(self, request: HttpRequest, row: Any) -> bool:
        return row is not None and bool(hooks.url_of(row)) and self.site.permits(request, "connections.manage")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        more = ("webhook",) if self._shows_webhook(request, obj) else ()
        return (*super().get_fields(request, obj), *more)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*super().get_readonly_fields(request, obj), "webhook")

    @admin.display(description="Where it reports")
    def webhook(self, connection: Connection) -> SafeString:
        """The address, and how it is typed in where the provider asks for a name and a password."""
        url = hooks.url_of(connection)
        text = "Give the provider this address for its events (webhook): deliveries, bounces, complaints, opt-outs."
        if not hooks.asks_for_password(connection):
            return format_html("<code>{}</code><br>{} Treat it like a password.", url, text)
        return format_html(
            "<code>{}</code><br>{} Treat it like a password. Write the user name and password of this connection’s "
            "settings into it: <br><code>{}</code>",
            url,
            text,
            hooks.with_password(url),
        )

    @deed("New webhook address", permission="connections.manage", tone="danger", asks=True)
    def replace_webhook(self, request: HttpRequest, connection: Connection) -> HttpResponseBase | None:
        asked = self.site.confirm(
            request,
            Confirmation(
                title=f"New webhook address for “{connection.label}”",
                button="Make a new address",
                sentences=(
                    "The present address stops working at once, and whoever knows it can do nothing with it.",
                    "Until the provider is given the new one, no delivery, bounce or opt-out reaches us through it.",
                ),
                back=self.page_of(connection),
            ),
        )
        if asked is not None:
            return asked
        hooks.replace_address(connection, actor=self.site.hooks.actor(request), now=timezone.now())
        self.message_user(request, "It has a new address, shown below. Give it to the provider now.")
        return None
