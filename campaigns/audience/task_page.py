"""The console of tasks with what this app knows of them: the columns of a file that waits, figures, people's names."""

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from campaigns.audience import jobs, uploading
from campaigns.audience.columns_form import ColumnsForm
from campaigns.audience.reading import UnreadableFile
from tenants.access.console import names_of
from tenants.journal.admin import TaskAdmin
from tenants.journal.models import Task
from winback.console.deeds import deed
from winback.console.formatting import number
from winback.queues import DEFAULT, enqueue


@admin.register(Task)
class TaskPageAdmin(TaskAdmin):
    """A task; while a file waits, what its columns are."""

    figures: ClassVar = {uploading.TASK: uploading.FIGURES}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("arguments")  # a file may lie there: not for a list of them

    @admin.display(description="Created by")
    def who(self, task: Task) -> str:
        return names_of({task.created_by}).get(task.created_by, task.created_by) or "–"

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        context = super().page_context(request, row)
        if uploading.waits_for_columns(row):
            text = "Nothing is imported yet: say what the columns of the file are. It is kept for a day."
            note = {"tone": "warn", "text": text, "url": self.deed_url("columns", row), "action": "Say what they are"}
            return context | {"notes": [note], "is_open": False}
        if rejected := row.result.get("rejected"):
            text = f"Not taken: {number(rejected)}. The import says why, and hands them out to be mended."
            context["notes"] = [*context["notes"], {"tone": "warn", "text": text}]
        return context

    @admin.display(description="Progress")
    def progress(self, task: Task) -> str:
        return "Waits for you" if uploading.waits_for_columns(task) else str(super().progress(task))

    def offered(self, request: HttpRequest, row: Any) -> list[str]:
        return [*(["columns"] if uploading.waits_for_columns(row) else []), *super().offered(request, row)]

    @deed("Say what its columns are", permission="contacts.import", tone="primary", asks=True)
    def columns(self, request: HttpRequest, task: Task) -> HttpResponseBase | None:
        if not uploading.waits_for_columns(task):
            self.message_user(request, "What the columns of this file are is said already.", messages.WARNING)
            return None
        before = uploading.remembered(task)
        now = timezone.now()
        form = ColumnsForm(request.POST or None, task=task, before=before, now=now)
        if form.is_valid():
            if "mapping" not in form.cleaned_data:
                return self._in_other_encoding(request, task, form)
            if uploading.say_columns(task, form.cleaned_data["mapping"], now=now):
                enqueue(jobs.import_upload, queue=DEFAULT, tenant=task.tenant_id, task=task.pk)
                self.site.hooks.note(request, "import.begun", task, {"kind": task.arguments["kind"]})
                text = "It is being imported: this page says how far it has come, and what came of it."
                self.message_user(request, text)
            return None
        return self._ask(request, task, form, before)

    def _in_other_encoding(self, request: HttpRequest, task: Task, form: ColumnsForm) -> HttpResponseBase:
        """Show the file anew, read in the encoding that was chosen: its names and values are others now."""
        try:
            uploading.look_again(task, form.cleaned_data["encoding"])
        except UnreadableFile as error:
            form.add_error("encoding", str(error))
            return self._ask(request, task, form, None)
        shown = ColumnsForm(None, task=task, before=uploading.remembered(task), now=timezone.now())
        return self._ask(request, task, shown, None)

    def _ask(self, request: HttpRequest, task: Task, form: ColumnsForm, before: Any) -> HttpResponseBase:
        name = task.arguments["name"]
        context = {
            "form": form,
            "back": self.page_of(task),
            "remembered": before,
            "rows": "contacts" if task.arguments["kind"] == "contacts" else "jobs",
        }
        status = 422 if form.is_bound and form.errors else 200
        return self.site.render(
            request, "campaigns/columns.html", context, title=f"The columns of {name}", status=status
        )
