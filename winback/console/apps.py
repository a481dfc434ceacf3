"""The console's frame, and the admin whose default site is ours."""

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class ConsoleConfig(AppConfig):
    """Templates, static files and tags of the frame; stands before the admin so that its templates win."""

    name = "winback.console"
    label = "console"


class ConsoleAdminConfig(AdminConfig):
    """django.contrib.admin with our site in place of its own."""

    default_site = "winback.console.site.ConsoleSite"
