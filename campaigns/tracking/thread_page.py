"""The console of conversations by text: who waits, what was written, and what can be done about it."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.contrib import admin, messages
from django.db.models import Count, F, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from campaigns.compliance.replies import Meaning
from campaigns.tracking import jobs, replying, threads
from campaigns.tracking.thread_forms import AssignForm, ReplyForm
from campaigns.tracking.thread_models import Conversation, ThreadText
from campaigns.tracking.thread_shown import texts_of
from tenants.access.models import User
from tenants.accounts.console import HistoryAdmin, nothing_yet, tenant_of
from winback.console import formatting
from winback.console.columns import link_to
from winback.console.confirming import Confirmation
from winback.console.deeds import deed
from winback.console.formatting import words
from winback.console.templatetags.console import pill
from winback.queues import AWAITED, enqueue

_WAITS, _LONG = timedelta(hours=4), timedelta(hours=24)
_STATES = {
    "unclear": ("Is it a stop?", "bad"),
    "waiting": ("Waiting for you", "warn"),
    "answered": ("Answered", "good"),
    "done": ("Done", "plain"),
}


@admin.register(Conversation)
class ConversationAdmin(HistoryAdmin):
    """What people text back. Those who wait stand first, the longest wait on top."""

    console_section = "Campaigns"
    console_icon = "phone"
    console_order = 32
    console_empty = nothing_yet(
        "Nobody has texted back yet",
        "What customers answer to your texts stands here, and waits for you until you answer. Stops are acted upon at "
        "once, by themselves.",
        icon="phone",
        action="Look at the connection for texts",
        url="/console/tenants/connection/",
    )
    list_display = ("who", "state_pill", "waits", "last_words", "assigned_to", "last_at")
    list_select_related = ("contact", "assigned_to")
    list_filter = ("state", ("assigned_to", admin.EmptyFieldListFilter))
    linked_by = ("contact",)
    sortable_by = ()
    ordering = (F("waiting_since").asc(nulls_last=True), "-last_at", "-pk")  # type: ignore[assignment]
    page_select_related = ("tenant", "contact", "message__campaign__brand", "connection", "assigned_to")
    fields = ("state", "address", "last_at")
    change_form_template = "campaigns/conversation.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        latest = ThreadText.objects.filter(
            tenant_id=OuterRef("tenant_id"), conversation=OuterRef("pk"), kind=ThreadText.Kind.RECEIVED
        ).order_by("-at", "-pk")
        found: QuerySet[Any] = super().get_queryset(request).annotate(said=Subquery(latest.values("body")[:1]))
        return found

    @admin.display(description="Who")
    def who(self, conversation: Any) -> str:
        return str(conversation)

    @admin.display(description="State")
    def state_pill(self, conversation: Any) -> str:
        return pill(*_STATES[conversation.state])

    @admin.display(description="Waits")
    def waits(self, conversation: Any) -> Any:
        if conversation.waiting_since is None:
            return "–"
        age = timezone.now() - conversation.waiting_since
        return pill(age_in_words(age), "bad" if age >= _LONG else "warn" if age >= _WAITS else "info")

    @admin.display(description="They wrote")
    def last_words(self, conversation: Any) -> str:
        said = " ".join((conversation.said or "").split())
        return f"{said[:70]}…" if len(said) > 71 else said or "–"

    # -- one conversation --------------------------------------------------------------------------------------------

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        why_not = threads.why_no_reply(row)
        others = [each for each in replying.contacts_with(row.tenant, row.address) if each.pk != row.contact_id]
        return {
            "hide_form": True,
            "heading": str(row),
            "pills": [],
            "state": _STATES[row.state],
            "notes": self._notes(row),
            "facts": self._facts(row, others),
            "texts": texts_of(row),
            "zone": row.tenant.timezone,
            "form": ReplyForm(initial={"key": uuid4()}),
            "may_reply": self.site.permits(request, "conversations.answer"),
            "reply_url": self.deed_url("reply", row),
            "why_not": why_not,
        }

    def _notes(self, row: Any) -> list[dict[str, str]]:
        notes = []
        if row.state == Conversation.State.UNCLEAR:
            text = (
                "This may be a wish to get no more texts. Nothing is sent to this person, over any channel, until you "
                "say what it is."
            )
            notes.append({"tone": "warn", "text": text})
        for suppression in threads.suppressions_of(row).order_by("pk")[:3]:
            since = formatting.moment(suppression.occurred_at, row.tenant.timezone)
            text = f"No texts go to this number since {since}: {words(suppression.reason).lower()}."
            notes.append({"tone": "bad", "text": text})
        return notes

    def _facts(self, row: Any, others: list[Any]) -> list[tuple[str, Any]]:
        waits = age_in_words(timezone.now() - row.waiting_since) if row.waiting_since else ""
        return [
            ("Contact", link_to(row.contact) if row.contact else "Nobody with this number"),
            *[("Same number", link_to(other)) for other in others[:5]],
            ("Number", row.address or "Forgotten"),
            ("Waits", waits),
            ("Why they were written to", link_to(row.message.campaign) if row.message else "No text of ours is known"),
            ("They answered", link_to(row.message) if row.message else ""),
            ("Came through", link_to(row.connection)),
            ("Taken by", str(row.assigned_to) if row.assigned_to else "Nobody yet"),
        ]

    def offered(self, request: HttpRequest, row: Any) -> list[str]:
        names = []
        if not threads.suppressions_of(row).exists() and row.address:
            names += ["opted_out", "wrong_number"]
        if row.state == Conversation.State.UNCLEAR:
            names.insert(0, "not_an_opt_out")
        if row.state in (Conversation.State.WAITING, Conversation.State.ANSWERED):
            names.append("done")
        return [*names, "assign"]

    @deed("Reply", permission="conversations.answer", asks=True)
    def reply(self, request: HttpRequest, conversation: Conversation) -> HttpResponseBase | None:
        form = ReplyForm(request.POST or None, initial={"key": uuid4()})
        if form.is_valid():
            try:
                threads.reply(
                    conversation,
                    form.cleaned_data["text"],
                    actor=self.site.hooks.actor(request),
                    now=timezone.now(),
                    key=str(form.cleaned_data["key"]),
                )
            except threads.NoReply as error:
                form.add_error("text", str(error))
            else:
                enqueue(
                    jobs.send_answers,
                    unique=f"answers-{conversation.tenant_id}",
                    queue=AWAITED,
                    tenant=conversation.tenant_id,
                )
                self._changed(request, "Your reply is on its way.")
                return None
        return self.site.ask(
            request, form, title=f"Reply to {conversation}", button="Send", back=self.page_of(conversation)
        )

    @deed("Not a stop", permission="conversations.answer", tone="primary", icon="check")
    def not_an_opt_out(self, request: HttpRequest, conversation: Conversation) -> HttpResponseBase | None:
        return self._decide(request, conversation, Meaning.OTHER, "They can be written to again. Answer them below.")

    @deed("It is a stop", permission="conversations.answer", icon="ban")
    def opted_out(self, request: HttpRequest, conversation: Conversation) -> HttpResponseBase | None:
        asked = self.site.confirm(
            request,
            Confirmation(
                title=f"Stop all texts to {conversation}?",
                button="Stop all texts",
                sentences=["They get no more texts of this business, and are out of every campaign, at once.",
                           "Only they can take it back, by texting START."],
                back=self.page_of(conversation),
            ),
        )  # fmt: skip
        return asked or self._decide(request, conversation, Meaning.OPT_OUT, "They get no more texts.")

    @deed("Wrong number", permission="conversations.answer")
    def wrong_number(self, request: HttpRequest, conversation: Conversation) -> HttpResponseBase | None:
        asked = self.site.confirm(
            request,
            Confirmation(
                title="Is this somebody else’s number?",
                button="It is a wrong number",
                sentences=["No more texts go to this number, and the contact is tagged winback:wrong_number.",
                           "E-mails to the contact go on."],
                back=self.page_of(conversation),
            ),
        )  # fmt: skip
        return asked or self._decide(request, conversation, Meaning.WRONG_NUMBER, "No more texts go to this number.")

    def _decide(
        self, request: HttpRequest, conversation: Conversation, meaning: Meaning, done: str
    ) -> HttpResponseBase | None:
        try:
            threads.decide(conversation, meaning, actor=self.site.hooks.actor(request), now=timezone.now())
        except threads.NotDecided as error:
            self.message_user(request, str(error), messages.WARNING)
        else:
            self._changed(request, done)
        return None

    @deed("Done", permission="conversations.answer", icon="check")
    def done(self, request: HttpRequest, conversation: Conversation) -> HttpResponseBase | None:
        if threads.close(conversation, actor=self.site.hooks.actor(request), now=timezone.now()):
            self._changed(request, f"The conversation with {conversation} is done.")
            return HttpResponseRedirect(self.list_url())
        self.message_user(request, "There was nothing to close.", messages.INFO)
        return None

    @deed("Hand to…", permission="conversations.answer", asks=True, icon="people")
    def assign(self, request: HttpRequest, conversation: Conversation) -> HttpResponseBase | None:
        team = User.objects.filter(memberships__tenant=tenant_of(request)).order_by("email")
        form = AssignForm(request.POST or None, team=team, initial={"user": conversation.assigned_to_id})
        if form.is_valid():
            user = form.cleaned_data["user"]
            threads.assign(conversation, user, actor=self.site.hooks.actor(request), now=timezone.now())
            self._changed(request, f"{user} answers this conversation." if user else "Nobody in particular answers it.")
            return None
        return self.site.ask(
            request, form, title="Who answers this?", button="Hand over", back=self.page_of(conversation)
        )

    def _changed(self, request: HttpRequest, done: str) -> None:
        self.site.hooks.changed(request)
        self.message_user(request, done)


def link_to_conversation(contact: Any) -> SafeString | str:
    """What a contact has texted, with how much there is and whether somebody waits; empty where nothing was."""
    rows = Conversation.objects.for_tenant(contact.tenant_id).filter(contact_id=contact.pk)
    found = list(rows.annotate(number=Count("texts")).order_by("-last_at", "-pk")[:5])
    if not found:
        return ""
    states = _STATES[found[0].state][0].lower()
    number = sum(each.number for each in found)
    told = f"{formatting.number(number)} text{'' if number == 1 else 's'}: {states}"
    if len(found) == 1:
        return link_to(found[0], told)
    url = f"{reverse('admin:campaigns_conversation_changelist')}?contact__id__exact={contact.pk}"
    return format_html('<a href="{}">{}, from {} numbers</a>', url, told, len(found))


def age_in_words(age: timedelta) -> str:
    """``3 h``, ``2 days``: how long somebody waits."""
    minutes = max(int(age.total_seconds() // 60), 0)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h"
    return f"{minutes // 1440} days"
