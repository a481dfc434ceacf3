from django.apps import AppConfig

from winback.console.site import console_site


class CampaignsConfig(AppConfig):
    name = "campaigns"
    verbose_name = "Campaigns"

    def ready(self) -> None:
        # The apps' models are there only now; the modules import them.
        from campaigns.operating import home  # noqa: PLC0415
        from campaigns.planning.offering import offer_choices  # noqa: PLC0415
        from tenants.activation import setting_forms  # noqa: PLC0415

        hooks = console_site().hooks
        hooks.home_context, hooks.attention_count = home.home_context, home.attention_count
        setting_forms.CHOICES["offer"] = offer_choices
