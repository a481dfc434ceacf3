"""The console of imports: what each file brought, and the rows of it that were rejected."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from campaigns.audience.models import ImportBatch
from tenants.accounts.console import HistoryAdmin
from winback.console.columns import json_field, pill_column
from winback.console.deeds import deed


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
