"""The console of sending domains: what was found, with the records to add, and the check of a message as received."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone

from tenants.accounts.console import TenantAdmin, nothing_yet
from tenants.connections import domain_evidence, domains
from tenants.connections.models import SendingDomain
from winback.console.columns import pill_column
from winback.console.components import Panel
from winback.console.deeds import deed
from winback.providers.domains.findings import Severity
from winback.providers.domains.received import LARGEST

_TONES = {Severity.BAD: ("bad", "Mend"), Severity.WEAK: ("warn", "Improve"), Severity.NOTE: ("good", "Fine")}


class MessageForm(forms.Form):
    """A whole message, pasted or as a file."""

    message = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 12, "spellcheck": "false"}),
        help_text="The whole message with its headers: in Gmail “Show original”, in Outlook “View message source”.",
    )
    file = forms.FileField(required=False, label="Or a file", help_text="Saved as .eml.")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        file = cleaned.get("file")
        raw = file.read(LARGEST) if file is not None else str(cleaned.get("message") or "").encode()
        if not raw.strip():
            raise forms.ValidationError("Paste a message, or choose a file.")
        return cleaned | {"raw": raw}


class SendingDomainAdmin(TenantAdmin):
    """The domains that e-mail is from."""

    console_section = "Operations"
    console_icon = "check"
    console_order = 25
    console_name = "Sending domains"
    console_many = "sending domains"
    console_empty = nothing_yet(
        "No sending domain was looked at yet",
        "SPF, DKIM and DMARC of your sender address are looked up once an e-mail provider is connected, and daily.",
        icon="check",
        action="Connect e-mail",
        url="/console/tenants/connection/add/?kind=email",
    )
    list_display = ("domain", pill_column("state"), "to_mend", "checked_at", "message_checked_at")
    ordering = ("domain",)
    fields = ("domain", "dkim_domain", "bounce_domain", "busiest_day")
    readonly_fields = ("domain", "dkim_domain", "bounce_domain", "busiest_day")

    def look_up_soon(self, request: HttpRequest) -> None:
        """Whoever registers this has a worker look the domains up."""

    def check_soon(self, request: HttpRequest, raw: bytes) -> None:
        """Whoever registers this has a worker check the message."""

    def to_mend(self, row: SendingDomain) -> str:
        found = domains.troubles(row)
        return f"{len(found)}: {found[0]['sentence']}"[:90] if found else "–"

    to_mend.short_description = "To mend"  # type: ignore[attr-defined]

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        judged = domain_evidence.judge_row(row, now=timezone.now())
        notes = []
        if judged is not None and judged.state == SendingDomain.State.MISSING:
            text = "This domain sends in bulk: mailbox providers refuse its mail until what is marked “Mend” is mended."
            notes.append({"tone": "warn", "text": text})
        selectors = ", ".join(row.dkim_selectors) or "not known yet: check a message, or name them below"
        facts = [
            ("Looked up", _moment(row.checked_at)),
            ("A message was checked", _moment(row.message_checked_at)),
            ("DMARC asks for", row.facts.get("policy") or "–"),
            ("DKIM selectors", selectors),
        ]
        panels = [_panel("In the DNS", row.findings, "Nobody has looked yet: “Look up now”.")]
        panels.append(
            _panel("A message as it was received", row.message_findings, "None was checked yet: “Check a message”.")
        )
        return {"pills": [row.state or "not checked"], "notes": notes, "facts": facts, "panels": panels}

    def offered(self, request: HttpRequest, row: Any) -> list[str]:
        return ["look_up", "check_message", "name_selectors"]

    @deed("Look up now", permission="connections.manage", tone="primary", icon="check")
    def look_up(self, request: HttpRequest, row: SendingDomain) -> HttpResponseBase | None:
        self.look_up_soon(request)
        self.message_user(request, "It is being looked up now: reload this page in a few seconds.")
        return None

    @deed("Check a message", permission="connections.manage", asks=True)
    def check_message(self, request: HttpRequest, row: SendingDomain) -> HttpResponseBase | None:
        form = MessageForm(request.POST or None, request.FILES or None)
        if form.is_valid():
            self.check_soon(request, form.cleaned_data["raw"])
            self.message_user(request, "It is being checked now: reload this page in a few seconds.")
            return None
        return self.site.ask(
            request,
            form,
            title="Check a message as it was received",
            button="Check",
            intro=("Send yourself a test from a campaign, then bring it here as your mailbox got it.",),
            back=self.page_of(row),
        )

    @deed("Name DKIM selectors", permission="connections.manage", asks=True)
    def name_selectors(self, request: HttpRequest, row: SendingDomain) -> HttpResponseBase | None:
        form = SelectorForm(request.POST or None, initial={"selectors": ", ".join(row.dkim_selectors)})
        if form.is_valid():
            row.dkim_selectors = form.cleaned_data["selectors"]
            row.save(update_fields=["dkim_selectors"])
            self.site.hooks.note(request, "sendingdomain.selectors_named", row, {"selectors": row.dkim_selectors})
            self.look_up_soon(request)
            self.message_user(request, "Kept. It is being looked up now.", messages.SUCCESS)
            return None
        return self.site.ask(request, form, title="DKIM selectors", button="Save", back=self.page_of(row))


class SelectorForm(forms.Form):
    """The names under which a domain keeps its DKIM keys."""

    selectors = forms.RegexField(
        r"^[A-Za-z0-9._-]+(\s*,\s*[A-Za-z0-9._-]+){0,5}$",
        help_text="As your provider shows them, with commas between: the part before ._domainkey.",
        error_messages={"invalid": "Write one or several, such as s1, s2."},
        max_length=300,
    )

    def clean_selectors(self) -> list[str]:
        return [each.strip() for each in self.cleaned_data["selectors"].split(",")]


def _panel(title: str, findings: list[dict[str, Any]], nothing: str) -> Panel:
    order = [Severity.BAD, Severity.WEAK, Severity.NOTE]
    rows = [
        {"tone": _TONES[Severity(each["severity"])][0], "word": _TONES[Severity(each["severity"])][1], **each}
        for each in sorted(findings, key=lambda each: order.index(Severity(each["severity"])))
    ]
    context = {"findings": rows, "nothing": nothing}
    return Panel(title, template="tenants/findings.html", context=context, wide=True)


def _moment(moment: Any) -> str:
    return timezone.localtime(moment).strftime("%-d %b %Y, %H:%M") if moment else "not yet"
