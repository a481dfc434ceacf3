"""A campaign's page: its sequence with what became of the messages of each step, and what it brought in."""

from collections import defaultdict
from typing import Any

from django.contrib import admin, messages
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone

from campaigns.audience.models import Contact, ContactStat
from campaigns.delivery import previewing
from campaigns.delivery.rendering import RenderFailed
from campaigns.operating import jobs
from campaigns.operating.evidence_downloads import download
from campaigns.operating.figures import clicks, comparison, results_of
from campaigns.operating.mending import steps_to_mend
from campaigns.operating.reasons import sentence
from campaigns.planning.admin import CampaignAdmin
from campaigns.planning.models import Campaign, Enrolment, Message, Step, Variant
from tenants.accounts.console import tenant_of
from tenants.journal import tasks
from winback.console.charts import Part, StackedBar
from winback.console.columns import link_to
from winback.console.components import Panel
from winback.console.deeds import deed
from winback.console.formatting import words
from winback.console.security import message_preview
from winback.queues import AWAITED, enqueue

State = Message.State
_COLUMNS: dict[str, tuple[str, ...]] = {
    "waiting": (State.PLANNED, State.POSTPONED, State.CLAIMED, State.HANDING_OVER),
    "sent": (State.HANDED_OVER, State.DELIVERED, State.BOUNCED, State.COMPLAINED),
    "blocked": (State.BLOCKED,),
    "ghost": (State.GHOST,),
    "cancelled": (State.CANCELLED,),
    "trouble": (State.FAILED, State.UNKNOWN),
}
_ENDINGS = {
    "exhausted": "All steps taken",
    "business": "Came back",
    "booking": "Booked",
    "reply": "Answered",
    "opt_out": "Unsubscribed",
    "do_not_contact": "Do not contact",
    "episode_closed": "Lapse closed otherwise",
    "staff": "Stopped by staff",
}


@admin.register(Campaign)
class CampaignPageAdmin(CampaignAdmin):
    """The list of planning with the page that spans the rooms."""

    change_form_template = "campaigns/campaign.html"

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        tenant, now = tenant_of(request), timezone.now()
        notes = [{"tone": "warn", "text": _why(row)}] if row.state_reason else []
        faults = self.checks(row, now) if row.state != Campaign.State.RUNNING else []
        notes += [{"tone": "bad", "text": check.title} for check in faults if check.state == "bad"]
        told = next((each for each in results_of(tenant, now=now)["campaigns"] if each["code"] == row.code), None)
        panels = [comparison(told)] if told is not None else []
        if told is not None and any(told["clicks"].values()):
            panels.append(clicks(told))
        panels.append(self._enrolments(row))
        blocked = self._blocked(row)
        if blocked:
            panels.append(
                Panel("Why messages did not leave", template="campaigns/reasons.html", context={"rows": blocked})
            )
        return {
            "hide_form": True,
            "pills": [row.state],
            "notes": notes,
            "facts": [
                ("Module", link_to(row.activation.module)),
                ("Offer", link_to(row.offer) if row.offer is not None else "None"),
                ("Brand", link_to(row.brand)),
                ("Counts as coming back", f"Within {row.window_days} days of the first step"),
                (
                    "Launched",
                    timezone.localtime(row.launched_at).strftime("%-d %b %Y, %H:%M") if row.launched_at else "",
                ),
                ("Workflow", f"{row.workflow_code}, version {row.workflow_version}"),
            ],
            "mending": steps_to_mend(row, now=now),
            "steps": self._steps(row),
            "panels": panels,
        }

    def _steps(self, campaign: Campaign) -> list[dict[str, Any]]:
        counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        column_of = {state: name for name, states in _COLUMNS.items() for state in states}
        rows = Message.objects.for_tenant(campaign.tenant_id).filter(campaign=campaign)
        for code, state, number in rows.order_by().values_list("step_code", "state").annotate(number=Count("pk")):
            counts[code][column_of[state]] += number
        steps = (
            Step.objects.for_tenant(campaign.tenant_id)
            .filter(campaign=campaign, workflow_version=campaign.workflow_version)
            .prefetch_related("variants__template")
            .order_by("position")
        )
        where = f"/console/campaigns/message/?campaign__id__exact={campaign.pk}"
        return [
            {
                "step": step,
                "counts": [(name, counts[step.code][name]) for name in _COLUMNS],
                "variants": sorted(step.variants.all(), key=lambda variant: variant.channel != step.channel),
                "messages": f"{where}&step_code__exact={step.code}",
                "preview": f"{self.deed_url('preview', campaign)}?variant=",
            }
            for step in steps
        ]

    def _enrolments(self, campaign: Campaign) -> Panel:
        rows = Enrolment.objects.for_tenant(campaign.tenant_id).filter(campaign=campaign, arm="treated")
        counted = rows.order_by().values_list("state", "ended_by").annotate(number=Count("pk"))
        tones = {"booking": "good", "business": "good", "reply": "good", "opt_out": "bad", "do_not_contact": "bad"}
        parts = [
            Part(
                "In the sequence" if state == "active" else _ENDINGS.get(ended_by, ended_by),
                number,
                tones.get(ended_by, ""),
            )
            for state, ended_by, number in sorted(counted, key=lambda one: -one[2])
        ]
        if not parts:
            return _nobody_yet(campaign)
        chart = StackedBar("Those who are written to, by where they are", parts)
        url = f"/console/campaigns/enrolment/?campaign__id__exact={campaign.pk}"
        return Panel("Where they are", chart, url=url, action="All enrolments")

    def _blocked(self, campaign: Campaign) -> list[dict[str, Any]]:
        rows = (
            Message.objects.for_tenant(campaign.tenant_id)
            .filter(campaign=campaign, state=State.BLOCKED)
            .order_by()
            .values_list("reason")
            .annotate(number=Count("pk"))
        )
        where = f"/console/campaigns/message/?campaign__id__exact={campaign.pk}&state__exact=blocked&reason__exact="
        most = sorted(rows, key=lambda one: -one[1])[:8]
        return [{"text": sentence(reason), "number": number, "url": f"{where}{reason}"} for reason, number in most]

    # -- previews and tests ------------------------------------------------------------------------------------------

    def _variant(self, request: HttpRequest, campaign: Campaign) -> Variant:
        chosen = request.POST.get("variant") or request.GET.get("variant", "")
        rows = Variant.objects.for_tenant(campaign.tenant_id).filter(step__campaign=campaign)
        variant = rows.select_related("step", "template").filter(pk=chosen).first() if chosen.isdecimal() else None
        if variant is None:
            raise Http404("There are no such words in this campaign.")
        found: Variant = variant
        return found

    def _sample(self, request: HttpRequest, samples: list[Contact]) -> Contact | None:
        chosen = request.POST.get("contact") or request.GET.get("contact", "")
        by_id = {str(contact.pk): contact for contact in samples}
        return by_id.get(chosen) or (samples[-1] if samples else None)

    def offered(self, request: HttpRequest, row: Any) -> list[str]:
        may = self.site.permits(request, "contacts.export") and row.launched_at is not None
        return [*super().offered(request, row), *(["evidence"] if may else [])]

    @deed("Export the evidence", permission="contacts.export", icon="shield")
    def evidence(self, request: HttpRequest, campaign: Campaign) -> HttpResponseBase | None:
        self.site.hooks.note(request, "evidence.exported", campaign, {})
        return download(tenant_of(request), now=timezone.now(), campaign=campaign)

    @deed("Preview", permission="view", asks=True)
    def preview(self, request: HttpRequest, campaign: Campaign) -> HttpResponseBase | None:
        """The words of a step for one of a few contacts, and what the guards say of them."""
        variant = self._variant(request, campaign)
        samples = previewing.samples(tenant_of(request))
        contact = self._sample(request, samples)
        seen, longest, broken = None, None, ""
        if contact is not None:
            try:
                seen = previewing.preview(variant, contact, now=timezone.now())
                if variant.channel == "sms":
                    longest = previewing.longest(variant, now=timezone.now())
            except RenderFailed as error:
                broken = str(error)
        query = f"?variant={variant.pk}&contact={contact.pk if contact is not None else ''}"
        context = {
            "campaign": campaign,
            "opts": self.opts,
            "variant": variant,
            "samples": samples,
            "contact": contact,
            "seen": seen,
            "longest": longest,
            "broken": broken,
            "verdicts": [
                {"name": words(one.guard), "allowed": one.allowed, "reason": sentence(one.reason) if one.reason else ""}
                for one in (seen.verdicts if seen is not None else [])
            ],
            "body_url": f"{self.deed_url('body', campaign)}{query}" if seen is not None and seen.rendered.html else "",
            "test_url": self.deed_url("send_test", campaign) if variant.channel == "email" else "",
            "may_test": self.site.permits(request, "messages.test"),
            "back": self.page_of(campaign),
        }
        title = f"{words(variant.step.code)} by {'text' if variant.channel == 'sms' else 'e-mail'}"
        return self.site.render(request, "campaigns/preview.html", context, title=title)

    @deed("Body", permission="view", asks=True)
    def body(self, request: HttpRequest, campaign: Campaign) -> HttpResponseBase | None:
        """The HTML of a preview alone, with a policy of its own, for the sandboxed frame."""
        contact = self._sample(request, previewing.samples(tenant_of(request)))
        try:
            html = (
                previewing.preview(self._variant(request, campaign), contact, now=timezone.now()).rendered.html
                if contact
                else ""
            )
        except RenderFailed:
            html = ""
        return message_preview(lambda: HttpResponse(html))()

    @deed("Send a test", permission="messages.test")
    def send_test(self, request: HttpRequest, campaign: Campaign) -> HttpResponseBase | None:
        """To the person's own address, as a task: the provider is called outside this transaction."""
        variant = self._variant(request, campaign)
        tenant = tenant_of(request)
        contact = self._sample(request, previewing.samples(tenant))
        if contact is None:
            self.message_user(request, "Import contacts first: a test is rendered for one of them.", messages.WARNING)
            return None
        task = tasks.queue(
            tenant,
            "test_message",
            f"Test of “{words(variant.step.code)}”",
            now=timezone.now(),
            arguments={"variant": variant.pk, "contact": contact.pk, "user": request.user.pk},
            created_by=self.site.hooks.actor(request),
        )
        enqueue(jobs.send_test, queue=AWAITED, tenant=tenant.pk, task=task.pk)
        self.site.hooks.note(request, "message.test_asked", variant, {"contact": contact.pk})
        where = "the local outbox" if tenant.sandbox else "your own address"
        self.message_user(request, f"A test is on its way to {where}. Tasks says how it went.")
        return None


def _why(campaign: Campaign) -> str:
    """Its state and the reason in one sentence, whichever of the two begins with the other."""
    state, reason = campaign.get_state_display(), campaign.state_reason.rstrip(".")
    begins_so = reason.lower().startswith(state.lower())
    return f"{reason[:1].upper()}{reason[1:]}." if begins_so else f"{state}: {reason}."


def _nobody_yet(campaign: Campaign) -> Panel:
    """Why nobody is enrolled: how many contacts stand where, by what the last scan said of each."""
    stats = ContactStat.objects.for_tenant(campaign.tenant_id).order_by().values_list("not_open_reason")
    contacts = "/console/campaigns/contact/"
    rows = [
        {
            "text": sentence(reason) if reason else "Dormant: the next plan enrols those whose turn it is.",
            "number": number,
            "url": contacts if reason else f"{contacts}?dormant=yes",
        }
        for reason, number in sorted(stats.annotate(number=Count("pk")), key=lambda one: -one[1])[:6]
    ]
    note = "Everybody is looked at by the hourly scan; a contact’s page says the same of that one."
    title = "Nobody is enrolled yet: where your contacts stand"
    if not rows:
        return Panel(title, template="campaigns/text.html", context={"text": "There are no contacts: import them."})
    return Panel(title, template="campaigns/reasons.html", context={"rows": rows}, note=note)
