"""The console of imports: what each file brought, and the rows of it that were rejected."""

from pathlib import Path
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone

from campaigns.audience.columns import LABELS
from campaigns.audience.models import ImportBatch
from campaigns.audience.reading import UnreadableFile
from campaigns.audience.uploading import LARGEST, bring
from tenants.accounts.console import HistoryAdmin, nothing_yet, tenant_of
from winback.console.columns import pill_column
from winback.console.deeds import deed

HEADINGS = (
    "Contacts need a customer number, an e-mail address or a phone number. Jobs need a number of their own, their "
    "date, and the customer’s number or e-mail address.",
    "The columns may have any names: you say on the next page what each of them is. Nothing is imported before that.",
    "The same file twice changes nothing, and a bad row never stops the others.",
)
_ENDINGS = (".csv", ".csv.gz", ".tsv", ".txt", ".xlsx")


class UploadForm(forms.Form):
    """A file of contacts or of their jobs."""

    kind = forms.ChoiceField(
        label="What is in it",
        choices=[("contacts", "Contacts: who your customers are"), ("jobs", "Jobs: what they had done, or bought")],
        help_text="Contacts first: a job finds its customer by ID, e-mail or phone.",
    )
    file = forms.FileField(
        label="File",
        help_text="CSV or XLSX, with one line of headings.",
        widget=forms.FileInput(attrs={"accept": ",".join(_ENDINGS)}),
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if not str(file.name).lower().endswith(_ENDINGS):
            raise forms.ValidationError("Save it as CSV or XLSX: other kinds cannot be read.")
        if file.size > LARGEST:
            most = LARGEST // 1024 // 1024
            raise forms.ValidationError(
                f"It has more than {most} MB: bring it in parts, or import it by the command that stands under Imports."
            )
        return file


@admin.register(ImportBatch)
class ImportBatchAdmin(HistoryAdmin):
    """Files that were imported, with what was rejected."""

    console_section = "Audience"
    console_icon = "upload"
    console_order = 90
    console_name = "Imports"
    console_many = "imports"
    console_add = "Import a file"
    console_empty = nothing_yet(
        "Nothing was imported yet",
        "Bring a file of your contacts, then one of their jobs. The rest follows from that.",
        icon="upload",
        action="Import a file",
        url="/console/campaigns/importbatch/add/",
    )
    add_permission = "contacts.import"
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

    @admin.display(description="Columns")
    def columns(self, batch: ImportBatch) -> str:
        """What was said of them, by hand or by a mapping."""
        said = batch.mapping.get(batch.kind, batch.mapping).get("columns")
        if not said:
            return "As the file names them"
        named = [(label, said[field]) for field, label in LABELS[batch.kind].items() if field in said]
        return "; ".join(f"{label}: {_source(form)}" for label, form in named)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {"tenant": getattr(request, "tenant", None), **(extra_context or {})})

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        self.site.require(request, "contacts.import")
        form = UploadForm(request.POST or None, request.FILES or None, initial={"kind": request.GET.get("kind")})
        if form.is_valid():
            file = form.cleaned_data["file"]
            try:
                task = bring(
                    tenant_of(request),
                    form.cleaned_data["kind"],
                    str(file.name),
                    file.read(),
                    now=timezone.now(),
                    actor=self.site.hooks.actor(request),
                )
            except UnreadableFile as error:
                form.add_error("file", str(error))
            else:
                self.site.hooks.note(request, "import.brought", task, {"kind": form.cleaned_data["kind"]})
                return HttpResponseRedirect(reverse("admin:tenants_task_columns", args=[task.pk]))
        back = self.list_url()
        return self.site.ask(request, form, title="Import a file", button="Next", back=back, intro=HEADINGS)

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        notes = [{"tone": "bad", "text": row.error}] if row.error else []
        if row.rejected:
            rows = "1 row was" if row.rejected == 1 else f"{row.rejected:,} rows were"
            text = f"{rows} rejected. Download what was not taken, correct it, and import that file again."
            notes.append({"tone": "warn", "text": text})
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


def _source(form: Any) -> str:
    """Where the value of a field comes from, in words."""
    if not isinstance(form, dict):
        return str(form)
    if "constant" in form:
        return f"always “{form['constant']}”"
    return " and ".join(map(str, form.get("columns") or [form.get("column", "")]))
