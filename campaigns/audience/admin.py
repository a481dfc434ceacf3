"""The console of the audience: contacts and the facts about them. A contact's page is put together by operating."""

from pathlib import Path
from typing import Any, ClassVar

from django.conf import settings
from django.contrib import admin, messages
from django.db.models import Exists, OuterRef, QuerySet, Subquery
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils import timezone

from campaigns.audience import addresses, suppressing
from campaigns.audience.forms import LiftForm, SuppressAddressForm
from campaigns.audience.models import (
    Assignment,
    Consent,
    Contact,
    ContactTag,
    DormancyEpisode,
    Household,
    ImportBatch,
    Job,
    Suppression,
)
from campaigns.audience.searching import found_by
from tenants.accounts.console import HistoryAdmin, nothing_yet, tenant_of
from winback.console.columns import json_field, link_column, link_to, money_column, pill_column
from winback.console.deeds import deed
from winback.console.formatting import words
from winback.console.templatetags.console import pill

IMPORT_FIRST = "Your customers come from a file or a connected system: see Imports."


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
        return [("yes", "Dormant"), ("6", "6 months"), ("9", "9 months"), ("12", "12 months"), ("no", "Not dormant")]

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
    search_help_text = "Key, from its beginning"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return queryset.filter(key__gte=search_term, key__lt=f"{search_term}\U0010ffff"), False

    @admin.display(description="Members")
    def members(self, household: Household) -> Any:
        rows = Contact.objects.for_tenant(household.tenant_id).filter(household=household).order_by("pk")[:50]
        return admin.utils.format_html_join(", ", "{}", ((link_to(row),) for row in rows))  # type: ignore[attr-defined]


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
    search_help_text = "Job ID, from its beginning"
    fields = (
        "external_id", "who", "status", "service", "completed_at", "amount", "location", "lines", "more", "created_at",
        "updated_at",
    )  # fmt: skip
    readonly_fields = ("who", "amount", "lines", "more")
    amount = staticmethod(money_column("amount_minor", "currency", "Amount"))
    lines = staticmethod(json_field("items"))
    more = staticmethod(json_field("attributes"))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return queryset.filter(external_id__gte=search_term, external_id__lt=f"{search_term}\U0010ffff"), False


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
    list_filter = ("state", "cohort_months", "closed_by")
    fields = ("who", "state", "lapsed_from", "cohort_months", "cohort_at", "opened_at", "closed_at", "closed_by")
    readonly_fields = ("who",)

    @admin.display(description="Cohort")
    def cohort(self, episode: DormancyEpisode) -> str:
        return f"{episode.cohort_months} months"


@admin.register(Consent)
class ConsentAdmin(ByContact):
    """Facts about permission: the latest of a channel holds."""

    console_icon = "check"
    console_order = 50
    list_display = ("__str__", link_column("contact"), "channel", pill_column("state"), "stated_at", "source")
    list_filter = ("channel", "state")
    fields = ("who", "channel", "state", "stated_at", "source", "wording", "proof", "recorded_at", "recorded_by")
    readonly_fields = ("who", "proof")
    proof = staticmethod(json_field("evidence"))


@admin.register(Suppression)
class SuppressionAdmin(HistoryAdmin):
    """Addresses that may not be written to. They are kept as digests and outlive the contact."""

    console_section = "Audience"
    console_icon = "ban"
    console_order = 60
    console_empty = nothing_yet("Nobody is suppressed", "Whoever unsubscribes or complains is listed here.", icon="ban")
    add_permission = "contacts.suppress"
    list_display = ("reason_text", "channel", "whose", "brand", "source", "occurred_at", "force")
    list_select_related = ("brand",)
    list_filter = ("channel", ("lifted_at", admin.EmptyFieldListFilter), "brand")
    linked_by = ("contact_id",)
    sortable_by = ()
    search_fields = ("address_hmac",)
    search_help_text = "A whole e-mail address or phone number"
    fields = (
        "reason_text", "channel", "brand", "whose", "source", "occurred_at", "force", "lifted_at", "lifter",
        "lifted_note",
    )  # fmt: skip
    readonly_fields = ("reason_text", "whose", "force", "lifter")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        if not search_term.strip():
            return queryset, False
        key = addresses.email_key(search_term) or addresses.phone_e164(search_term, tenant_of(request).country)
        return queryset.filter(address_hmac=addresses.address_hmac(key)) if key else queryset.none(), False

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        shown = super().get_changelist_instance(request)
        known = Contact.objects.for_tenant(tenant_of(request)).in_bulk(
            {row.contact_id for row in shown.result_list} - {None}
        )
        for row in shown.result_list:
            row.known_contact = known.get(row.contact_id)
        return shown

    @admin.display(description="Reason")
    def reason_text(self, suppression: Suppression) -> str:
        return words(suppression.reason)

    @admin.display(description="Whose")
    def whose(self, suppression: Any) -> Any:
        if not hasattr(suppression, "known_contact"):
            rows = Contact.objects.for_tenant(suppression.tenant_id)
            suppression.known_contact = rows.filter(pk=suppression.contact_id).first()
        return link_to(suppression.known_contact)

    @admin.display(description="In force")
    def force(self, suppression: Suppression) -> str:
        return pill("lifted", "plain") if suppression.lifted_at is not None else pill("in force", "bad")

    @admin.display(description="Lifted by")
    def lifter(self, suppression: Suppression) -> str:
        return suppression.lifted_by or "–"

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        self.site.require(request, "contacts.suppress")
        tenant = tenant_of(request)
        form = SuppressAddressForm(request.POST or None, country=tenant.country)
        if form.is_valid():
            actor = self.site.hooks.actor(request)
            made = suppressing.suppress(
                tenant,
                channel=form.cleaned_data["channel"],
                address_hmac=addresses.address_hmac(form.cleaned_data["address"]),
                reason=form.cleaned_data["reason"],
                source=f"console, {actor}",
                now=timezone.now(),
            )
            if made:
                data = {"channel": form.cleaned_data["channel"], "reason": form.cleaned_data["reason"]}
                self.site.hooks.note(request, "suppression.added", None, data)
                self.message_user(request, "This address is not written to any more.")
            else:
                self.message_user(request, "This address was suppressed already.", messages.INFO)
            return HttpResponseRedirect(self.list_url())
        return self.site.ask(request, form, title="Suppress an address", button="Suppress", back=self.list_url())

    def offered(self, request: HttpRequest, row: Any) -> list[str]:
        return [] if row.lifted_at is not None else ["lift"]

    @deed("Lift", permission="suppressions.lift", tone="danger", asks=True)
    def lift(self, request: HttpRequest, suppression: Suppression) -> HttpResponseBase | None:
        form = LiftForm(request.POST or None)
        if form.is_valid():
            try:
                lifted = suppressing.lift(
                    suppression,
                    note=form.cleaned_data["note"],
                    actor=self.site.hooks.actor(request),
                    now=timezone.now(),
                )
            except suppressing.NotLifted as error:
                form.add_error("note", str(error))
            else:
                if lifted:
                    self.site.hooks.note(
                        request, "suppression.lifted", suppression, {"note": form.cleaned_data["note"]}
                    )
                    self.message_user(request, "The suppression is lifted: this address may be written to again.")
                return None
        return self.site.ask(
            request,
            form,
            title="Lift this suppression?",
            button="Lift the suppression",
            intro=["Writing to somebody who said no can be against the law. Lift it only when the person asked for it, "
                   "or when the address was suppressed by mistake."],
            back=self.page_of(suppression),
        )  # fmt: skip


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
    search_help_text = "Tag, from its beginning"
    fields = ("name", "who", "source", "added_at", "expires_at")
    readonly_fields = ("who",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip().lower()
        return queryset.filter(name__gte=term, name__lt=f"{term}\U0010ffff"), False


@admin.register(ImportBatch)
class ImportBatchAdmin(HistoryAdmin):
    """Files that were imported, with what was rejected."""

    console_section = "Audience"
    console_icon = "upload"
    console_order = 90
    console_name = "Imports"
    console_many = "imports"
    change_list_template = "campaigns/imports.html"
    list_display = (
        "file_name",
        "kind",
        pill_column("state"),
        "rows",
        "created",
        "updated",
        "unchanged",
        "rejected",
        "started_at",
    )
    sortable_by = ("started_at",)
    ordering = ("-started_at", "-pk")
    list_filter = ("kind", "state")
    fields = (
        "file_name", "kind", "state", "rows", "created", "updated", "unchanged", "rejected", "skipped", "error",
        "started_at", "finished_at", "columns", "sha256",
    )  # fmt: skip
    readonly_fields = ("columns",)
    columns = staticmethod(json_field("mapping"))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {"tenant": getattr(request, "tenant", None), **(extra_context or {})})

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        notes = [{"tone": "bad", "text": row.error}] if row.error else []
        if row.rejected:
            notes.append(
                {
                    "tone": "warn",
                    "text": f"{row.rejected:,} rows were rejected. Correct them and import that file again.",
                }
            )
        return {"pills": [row.state], "notes": notes}

    def offered(self, request: HttpRequest, row: Any) -> list[str]:
        return ["rejects"] if row.rejected and row.rejects_file else []

    @deed("Download rejected rows", permission="contacts.import", asks=True, icon="download")
    def rejects(self, request: HttpRequest, batch: ImportBatch) -> HttpResponseBase | None:
        home = (Path(settings.WINBACK_HOME) / "rejects").resolve()
        path = (Path(settings.WINBACK_HOME) / batch.rejects_file).resolve()
        if not batch.rejects_file or home not in path.parents or not path.is_file():
            raise Http404("The rejected rows of this import are not kept any more.")
        self.site.hooks.note(request, "import.rejects_downloaded", batch, {"rows": batch.rejected})
        name = f"rejected-{batch.kind}-{batch.pk}.csv"
        return FileResponse(path.open("rb"), as_attachment=True, filename=name, content_type="text/csv; charset=utf-8")
