"""The console of the audience: contacts and the facts about them. A contact's page is put together by operating."""

from typing import Any, ClassVar

from django.contrib import admin
from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html_join

from campaigns.audience import dormancy_rules, import_page, platform_suppression_page, suppression_page, task_page
from campaigns.audience.experiment_models import Assignment, DormancyEpisode
from campaigns.audience.forms import ConsentForm
from campaigns.audience.models import Consent, Contact, ContactTag, Household, Job
from campaigns.audience.searching import found_by
from tenants.accounts.console import HistoryAdmin, nothing_yet, tenant_of
from winback.console.admin_base import choices_filter
from winback.console.columns import json_field, link_column, link_to, money_column, pill_column
from winback.console.templatetags.console import pill

IMPORT_FIRST = "Your customers come from a file or a connected system: see Imports."


def cohorts(request: HttpRequest) -> list[tuple[str, str]]:
    """The cohorts into which this business has its customers lapse."""
    tenant = tenant_of(request)
    with connection.cursor() as cursor:
        rules = dormancy_rules.load(cursor, [tenant.pk])[tenant.pk]
    return [(str(months), f"{months} months") for months in rules.cohorts]


class ByContact(HistoryAdmin):
    """Facts about contacts: the contact in the first column, and a search by it."""

    console_section = "Audience"
    linked_by = ("contact",)
    list_select_related = ("contact",)
    sortable_by: ClassVar[tuple[str, ...]] = ()
    who = staticmethod(link_column("contact"))


class DormancyFilter(admin.SimpleListFilter):
    """Whether a lapse is open, and in which cohort."""

    title = "dormancy"
    parameter_name = "dormant"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Dormant"), *cohorts(request), ("no", "Not dormant")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value is None:
            return queryset
        lapses = DormancyEpisode.objects.for_tenant(tenant_of(request)).filter(
            contact=OuterRef("pk"), state=DormancyEpisode.State.OPEN
        )
        if value.isdecimal():
            lapses = lapses.filter(cohort_months=int(value))
        return queryset.filter(~Exists(lapses) if value == "no" else Exists(lapses))


class ContactAdmin(HistoryAdmin):
    """Everybody who has bought. Contacts come from imports and connected systems, so nobody types over them here."""

    console_section = "Audience"
    console_icon = "person"
    console_order = 10
    console_empty = nothing_yet(
        "Import your first customers",
        "manage.py import_contacts FILE --tenant … reads a CSV or XLSX file; jobs follow with import_jobs.",
        icon="upload",
        action="How importing works",
        url="/console/campaigns/importbatch/",
    )
    list_display = (
        "__str__", "email", "phone", "dormancy", "last_job", "jobs",
        money_column("stat.total_minor", "tenant.currency", "Spent"),
    )  # fmt: skip
    list_select_related = ("stat", "tenant")
    list_filter = ("state", DormancyFilter)
    sortable_by = ()
    search_fields = ("email_key",)
    search_help_text = "E-mail, phone, last name or ID, from its beginning"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        open_lapse = DormancyEpisode.objects.for_tenant(tenant_of(request)).filter(
            contact=OuterRef("pk"), state=DormancyEpisode.State.OPEN
        )
        rows: Any = super().get_queryset(request)
        found: QuerySet[Any] = rows.annotate(cohort=Subquery(open_lapse.values("cohort_months")[:1]))
        return found

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return queryset.filter(found_by(search_term, tenant_of(request).country)), False

    @admin.display(description="Dormancy")
    def dormancy(self, contact: Any) -> str:
        if contact.state != Contact.State.ACTIVE:
            return pill(contact.state)
        return pill(f"{contact.cohort} months", "warn") if contact.cohort else "–"

    @admin.display(description="Last job")
    def last_job(self, contact: Contact) -> Any:
        stat = getattr(contact, "stat", None)
        return timezone.localtime(stat.last_job_at).date() if stat is not None and stat.last_job_at else None

    @admin.display(description="Jobs")
    def jobs(self, contact: Contact) -> int:
        stat = getattr(contact, "stat", None)
        return stat.job_count if stat is not None else 0


@admin.register(Household)
class HouseholdAdmin(HistoryAdmin):
    """Contacts at one address, or sharing an e-mail or phone: caps are counted here."""

    console_section = "Audience"
    console_icon = "household"
    console_order = 20
    list_display = ("key", "created_at")
    sortable_by = ()
    fields = ("key", "created_at", "members")
    readonly_fields = ("members",)
    search_fields = ("key",)
    search_beginning = str
    search_help_text = "Key, from its beginning"

    @admin.display(description="Members")
    def members(self, household: Household) -> Any:
        rows = Contact.objects.for_tenant(household.tenant_id).filter(household=household).order_by("pk")[:50]
        return format_html_join(", ", "{}", ((link_to(row),) for row in rows))


@admin.register(Job)
class JobAdmin(ByContact):
    """Completed pieces of business."""

    console_icon = "briefcase"
    console_order = 30
    console_empty = nothing_yet("No jobs yet", "manage.py import_jobs FILE --tenant … reads them.", icon="briefcase")
    list_display = (
        "external_id", link_column("contact"), "service", "completed_at",
        money_column("amount_minor", "currency", "Amount"), pill_column("status"),
    )  # fmt: skip
    list_filter = ("status",)
    ordering = ("-completed_at", "-pk")
    search_fields = ("external_id",)
    search_beginning = str
    search_help_text = "Job ID, from its beginning"
    fields = (
        "external_id", "who", "status", "service", "completed_at", "amount", "location", "lines", "more", "created_at",
        "updated_at",
    )  # fmt: skip
    readonly_fields = ("who", "amount", "lines", "more")
    amount = staticmethod(money_column("amount_minor", "currency", "Amount"))
    lines = staticmethod(json_field("items"))
    more = staticmethod(json_field("attributes"))


@admin.register(DormancyEpisode)
class EpisodeAdmin(ByContact):
    """Lapses: the unit of counting."""

    console_icon = "clock"
    console_order = 40
    console_name = "Lapses"
    console_many = "lapses"
    console_empty = nothing_yet(
        "Nobody has gone quiet yet",
        "The hourly scan opens a lapse when a customer crosses the first cohort.",
        icon="clock",
    )
    list_display = (
        link_column("contact"), "cohort", "lapsed_from", "opened_at", pill_column("state"), pill_column("closed_by"),
    )  # fmt: skip
    list_display_links = None
    list_filter = ("state", choices_filter("cohort_months", cohorts), "closed_by")
    fields = ("who", "state", "lapsed_from", "cohort_months", "cohort_at", "opened_at", "closed_at", "closed_by")
    readonly_fields = ("who",)

    @admin.display(description="Cohort")
    def cohort(self, episode: DormancyEpisode) -> str:
        return f"{episode.cohort_months} months"


class PurposeFilter(admin.SimpleListFilter):
    """Messages, or the following of opens and clicks."""

    title = "purpose"
    parameter_name = "purpose"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(Consent.MARKETING, "Messages"), (Consent.TRACKING, "Counting opens and clicks")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(purpose=self.value()) if self.value() else queryset


@admin.register(Consent)
class ConsentAdmin(ByContact):
    """Facts about permission: the latest for a channel and purpose holds. Added, never edited: a no is a fact, too."""

    form = ConsentForm
    add_permission = "consent.record"
    console_icon = "check"
    console_order = 50
    list_display = ("__str__", link_column("contact"), "channel", pill_column("state"), "stated_at", "source")
    list_filter = (PurposeFilter, "channel", "state")
    fields = (
        "who", "purpose", "channel", "state", "stated_at", "source", "wording", "proof", "recorded_at", "recorded_by",
    )  # fmt: skip
    readonly_fields = ("who", "proof")
    proof = staticmethod(json_field("evidence"))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return (*ConsentForm.Meta.fields, "proven_by") if obj is None else self.fields

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return () if obj is None else self.readonly_fields

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        made = super().get_form(request, obj, change, **kwargs)
        made.now = timezone.now()
        return made

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        obj.recorded_at, obj.recorded_by = form.now, self.site.hooks.actor(request)
        super().save_model(request, obj, form, change)
        self.site.hooks.changed(request)


@admin.register(Assignment)
class AssignmentAdmin(ByContact):
    """Who is written to and who is held out, drawn once and never again."""

    console_icon = "people"
    console_order = 70
    console_name = "Held-out draw"
    list_display = (link_column("contact"), pill_column("arm"), "share_text", "drawn_at", "merged_across_arms")
    list_display_links = None
    list_filter = ("arm", "merged_across_arms")
    fields = ("who", "arm", "share_text", "household_key", "drawn_at", "merged_across_arms")
    readonly_fields = ("who", "share_text")

    @admin.display(description="Held-out share")
    def share_text(self, assignment: Assignment) -> str:
        return f"{assignment.share / 100:g} %"


@admin.register(ContactTag)
class TagAdmin(ByContact):
    """Tags on contacts; winback:* are managed."""

    console_icon = "tag"
    console_order = 80
    console_name = "Tags"
    list_display = ("name", link_column("contact"), "source", "added_at", "expires_at")
    search_fields = ("name",)
    search_beginning = str.lower
    search_help_text = "Tag, from its beginning"
    fields = ("name", "who", "source", "added_at", "expires_at")
    readonly_fields = ("who",)


__all__ = ["import_page", "platform_suppression_page", "suppression_page", "task_page"]
