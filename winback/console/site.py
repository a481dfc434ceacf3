"""ConsoleSite: the admin site that is the operator console."""

from django.contrib.admin import AdminSite


class ConsoleSite(AdminSite):
    site_header = "winback"
    site_title = "winback"
    index_title = "Home"
    site_url = None
