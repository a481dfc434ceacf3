"""The console of planning. The pages of a campaign and of a message are put together by operating."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from campaigns.audience.experiment_models import DormancyEpisode
from campaigns.planning import campaigning
from campaigns.planning.forms import OfferForm
from campaigns.planning.models import Campaign, Enrolment, Message, Offer, Step, Variant
from tenants.accounts.console import HistoryAdmin, TenantAdmin, TenantInline, nothing_yet, tenant_of
from tenants.plans.entitlements import NotEntitled
from winback.console.admin_base import choices_filter
from winback.console.columns import link_column, money_column, pill_column
from winback.console.components import Check
from winback.console.confirming import Confirmation
from winback.console.deeds import deed
from winback.console.formatting import number, words


class CampaignAdmin(TenantAdmin):
    """What is done about lapses: launched, paused, resumed; never edited under an enrolment."""

    console_section = "Campaigns"
    console_icon = "megaphone"
    console_order = 10
    console_empty = nothing_yet(
        "No campaign yet",
        "Activate a module: its campaign is made from the module’s workflow within minutes.",
        icon="megaphone",
        action="Choose a module",
        url="/console/catalog/module/",
    )
    list_display = ("name", pill_column("state", ordering="state"), "reason", "offer", "window", "launched_at")
    list_select_related = ("offer",)
    list_filter = ("state",)
    ordering = ("name", "pk")
    fields = ("name", "code", "state", "workflow_code", "workflow_version", "created_at")

    @admin.display(description="Why")
    def reason(self, campaign: Campaign) -> str:
        return campaign.state_reason or "–"

    @admin.display(description="Window")
    def window(self, campaign: Campaign) -> str:
        return f"{campaign.window_days} days"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return (
            super()
            .get_queryset(request)
            .select_related("offer", "brand", "activation__module", "tenant__niche", "tenant__plan")
        )

    def offered(self, request: HttpRequest, row: Any) -> list[str]:
        return {"draft": ["launch"], "running": ["pause"], "paused": ["resume"]}.get(row.state, [])

    def checks(self, campaign: Campaign, now: Any) -> list[Check]:
        """What is looked at before a launch."""
        faults = campaigning.launch_faults(campaign, now=now)
        found = [Check("bad", fault[:1].upper() + fault[1:] + ".") for fault in faults]
        if not faults:
            made = f"Offer: {campaign.offer.name}" if campaign.offer else "No offer: the third message gives a reason"
            found.append(Check("good", f"{made}."))
        waiting = DormancyEpisode.objects.for_tenant(campaign.tenant_id).filter(state="open").count()
        cap = campaign.activation.settings.get("daily_enrolment_cap")
        pace = f"At most {number(cap)} of them are enrolled a day." if cap else ""
        found.append(Check("good" if waiting else "warn", f"{number(waiting)} customers are dormant now.", pace))
        return found

    @deed("Launch", permission="campaigns.launch", tone="primary", asks=True, icon="play")
    def launch(self, request: HttpRequest, campaign: Campaign) -> HttpResponseBase | None:
        now = timezone.now()
        asked = self.site.confirm(
            request,
            Confirmation(
                title=f"Launch “{campaign.name}”?",
                button="Launch the campaign",
                sentences=["Messages begin to leave within minutes, at the pace and in the hours that are set."],
                typed=campaign.name,
                danger=False,
                checks=self.checks(campaign, now),
                back=self.page_of(campaign),
            ),
        )
        if asked is not None:
            return asked
        try:
            launched = campaigning.launch(campaign, now=now, actor=self.site.hooks.actor(request))
        except (campaigning.NotLaunched, NotEntitled) as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            self._said(request, campaign, "is launched", launched)
        return None

    @deed("Pause", permission="campaigns.pause", tone="danger", icon="pause")
    def pause(self, request: HttpRequest, campaign: Campaign) -> HttpResponseBase | None:
        actor = self.site.hooks.actor(request)
        paused = campaigning.pause(campaign, reason="paused by hand", now=timezone.now(), actor=actor)
        undo = f"undo={self.deed_url('resume', campaign)}"
        self._said(request, campaign, "is paused: nothing leaves, everything keeps its place", paused, undo)
        return None

    @deed("Resume", permission="campaigns.launch", tone="primary", icon="play")
    def resume(self, request: HttpRequest, campaign: Campaign) -> HttpResponseBase | None:
        try:
            resumed = campaigning.resume(campaign, now=timezone.now(), actor=self.site.hooks.actor(request))
        except campaigning.NotLaunched as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            self._said(request, campaign, "runs again", resumed)
        return None

    def _said(self, request: HttpRequest, campaign: Campaign, what: str, done: bool, tags: str = "") -> None:
        self.site.hooks.changed(request)
        if done:
            self.message_user(request, f"“{campaign.name}” {what}.", extra_tags=tags)
        else:
            self.message_user(request, f"“{campaign.name}” is {campaign.state}: nothing to do.", messages.WARNING)


class VariantInline(TenantInline):
    """The words of a step."""

    model = Variant
    fields = ("code", "channel", "weight", "template")


@admin.register(Step)
class StepAdmin(TenantAdmin):
    """The steps of each campaign, in every version that somebody was enrolled with."""

    console_section = "Campaigns"
    console_icon = "flow"
    console_order = 60
    linked_by = ("campaign",)
    list_display = (
        "code",
        "campaign",
        "workflow_version",
        "position",
        "day",
        "channel",
        "fallback_channel",
        "with_offer",
    )
    list_select_related = ("campaign",)
    list_filter = ("campaign", "workflow_version")
    ordering = ("campaign", "-workflow_version", "position", "pk")
    inlines = (VariantInline,)
    fields = ("code", "campaign", "workflow_version", "position", "day", "channel", "fallback_channel", "with_offer")


@admin.register(Offer)
class OfferAdmin(TenantAdmin):
    """Reasons to come back that cost something."""

    form = OfferForm
    add_permission = change_permission = "offers.edit"
    console_section = "Campaigns"
    console_icon = "gift"
    console_order = 40
    console_empty = nothing_yet(
        "No offers yet", "The third message of the sequence makes an offer, when there is one.", icon="gift"
    )
    list_display = (
        "name",
        "code",
        "kind",
        "coupon",
        money_column("cost_minor", "tenant.currency", "Cost"),
        "expires_on",
    )
    list_select_related = ("tenant",)
    search_fields = ("name__istartswith", "code__istartswith")
    ordering = ("-created_at", "-pk")
    fieldsets = (
        (None, {"fields": ("name", "code", "kind", "percent", "value")}),
        ("Redeeming it", {"fields": ("coupon", "expires_on", "terms", "cost")}),
    )

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        made = super().get_form(request, obj, change, **kwargs)
        made.today = timezone.now().astimezone(tenant_of(request).zone).date()
        return made

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("code",) if obj is not None else ()  # modules name it

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is not None and not self.has_change_permission(request, obj):
            plain = ("name", "code", "kind", "percent", "coupon", "expires_on", "terms")
            return ((None, {"fields": plain}),)
        return super().get_fieldsets(request, obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change:
            obj.created_at = timezone.now()
        super().save_model(request, obj, form, change)


@admin.register(Enrolment)
class EnrolmentAdmin(HistoryAdmin):
    """Who is in which campaign, on which side, and why it ended."""

    console_section = "Campaigns"
    console_icon = "people"
    console_order = 20
    console_empty = nothing_yet(
        "Nobody is enrolled yet", "Planning enrols dormant customers every few minutes.", icon="people"
    )
    list_display = (
        "__str__", link_column("contact"), link_column("campaign"), pill_column("arm"), pill_column("state"),
        pill_column("ended_by"), "enrolled_at", "next_action_at",
    )  # fmt: skip
    list_select_related = ("contact", "campaign")
    list_filter = ("campaign", "arm", "state", "ended_by")
    linked_by = ("contact", "episode")
    sortable_by = ()
    fields = (
        "person", "where", "lapse", "arm", "state", "position", "workflow_version", "enrolled_at", "next_action_at",
        "ended_at", "ended_by",
    )  # fmt: skip
    readonly_fields = ("person", "where", "lapse")
    person = staticmethod(link_column("contact"))
    where = staticmethod(link_column("campaign"))
    lapse = staticmethod(link_column("episode"))


def _steps(request: HttpRequest) -> list[tuple[str, str]]:
    codes = Step.objects.for_tenant(tenant_of(request)).order_by("code").values_list("code", flat=True).distinct()
    return [(code, words(code)) for code in codes]


class MessageAdmin(HistoryAdmin):
    """Every planned touch, what became of it, and what every guard said."""

    console_section = "Campaigns"
    console_icon = "send"
    console_order = 30
    console_empty = nothing_yet("No messages yet", "They are planned when a campaign runs.", icon="send")
    list_display = (
        "label", link_column("contact"), pill_column("state"), "why", pill_column("arm"), "due_at", "handed_over_at",
    )  # fmt: skip
    list_select_related = ("contact",)
    list_filter = ("state", "channel", "arm", "campaign", choices_filter("step_code", _steps))
    linked_by = ("contact", "enrolment", "step", "reason")
    sortable_by = ()

    @admin.display(description="Message")
    def label(self, message: Message) -> str:
        return f"{words(message.step_code)} by {'text' if message.channel == 'sms' else 'e-mail'}"

    @admin.display(description="Why")
    def why(self, message: Message) -> str:
        return words(message.reason)


__all__ = ["CampaignAdmin", "EnrolmentAdmin", "MessageAdmin", "OfferAdmin", "StepAdmin"]
