"""The console's way to merge two contacts: name the other one, look at both, confirm."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.http import urlencode

from campaigns.audience.merging import CannotMerge
from campaigns.audience.models import Contact
from campaigns.operating import joining
from campaigns.operating.explaining import NoSuchContact
from tenants.accounts.console import tenant_of
from winback.console.components import Check
from winback.console.confirming import Confirmation
from winback.console.formatting import words

THIS, OTHER = "this", "other"


class JoinForm(forms.Form):
    """Who the other one is, and which of the two stays."""

    other = forms.CharField(
        label="The other contact",
        max_length=254,
        help_text="Its ID, e-mail address or phone number; or # and the number in the address of its page.",
    )
    stays = forms.ChoiceField(label="Which one stays?", widget=forms.RadioSelect, initial=THIS)

    def __init__(self, *args: Any, contact: Contact, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.contact = contact
        self.fields["stays"].choices = [(THIS, f"{contact} (this one)"), (OTHER, "The other one")]  # type: ignore[attr-defined]

    def clean_other(self) -> Contact:
        try:
            return joining.find_one(self.contact.tenant, self.cleaned_data["other"], besides=self.contact)
        except NoSuchContact as error:
            raise forms.ValidationError(str(error)) from error

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        other, stays = cleaned.get("other"), cleaned.get("stays")
        if other is not None and stays:
            pair = (other, self.contact) if stays == THIS else (self.contact, other)
            try:
                cleaned["outlook"] = joining.outlook(*pair)
            except CannotMerge as error:
                self.add_error("other", str(error))
        return cleaned


def ask_and_join(admin: Any, request: HttpRequest, contact: Contact) -> HttpResponseBase | None:
    """The form, then the page that shows both and asks; then the merge. Back to the one that stays."""
    asked = {"other": request.GET["other"]} if "other" in request.GET else {}
    form = JoinForm(request.POST or None, contact=contact, initial=asked)
    if not form.is_valid():
        return admin.site.ask(  # type: ignore[no-any-return]
            request,
            form,
            title=f"Merge {contact} with another contact",
            button="Look at both",
            intro=["For two rows that are one person. Nothing is merged yet: the next page shows what would happen."],
            back=admin.page_of(contact),
        )
    seen: joining.Outlook = form.cleaned_data["outlook"]
    page = admin.site.confirm(request, _confirmation(admin, contact, form, seen))
    if page is not None:
        return page  # type: ignore[no-any-return]
    try:
        joining.join(seen.loser.contact, seen.winner.contact, now=timezone.now(), actor=admin.site.hooks.actor(request))
    except CannotMerge as error:
        admin.message_user(request, str(error), messages.ERROR)
        return None
    admin.site.hooks.changed(request)
    admin.message_user(request, f"{seen.loser.contact} is a part of {seen.winner.contact} now.")
    return HttpResponseRedirect(admin.page_of(seen.winner.contact))


def _confirmation(admin: Any, contact: Contact, form: JoinForm, seen: joining.Outlook) -> Confirmation:
    loser, winner = seen.loser, seen.winner
    checks = [Check("good", f"Stays: {_who(winner.contact)}", _what(winner))]
    checks.append(Check("warn", f"Goes: {_who(loser.contact)}", _what(loser)))
    if seen.across_arms:
        checks.append(
            Check(
                "warn",
                f"They are on different sides of the experiment: the one that stays is {words(winner.arm).lower()}",
                "It stays so. Both rows are flagged, so that the results can be looked at without them.",
            )
        )
    sentences = [
        "Jobs and tags go to the one that stays, and whatever it has no value for. A no of either is a no of both.",
    ]
    if loser.lapses or loser.enrolments:
        sentences.append(
            "The lapse of the one that goes is closed, and what was planned for it is cancelled at once. "
            "What was sent to it keeps counting for the person."
        )
    sentences.append("It cannot be taken back.")
    return Confirmation(
        title=f"Merge {loser.contact} into {winner.contact}?",
        button="Merge the two",
        sentences=sentences,
        back=admin.page_of(contact),
        checks=checks,
        hidden={"other": f"#{form.cleaned_data['other'].pk}", "stays": form.cleaned_data["stays"]},
    )


def _who(contact: Contact) -> str:
    known = (str(contact), contact.email, contact.phone, f"ID {contact.external_id}" if contact.external_id else "")
    return " · ".join(dict.fromkeys(each for each in known if each))


def _what(side: joining.Side) -> str:
    told = [f"{side.jobs} job{'' if side.jobs == 1 else 's'}"]
    told += ["an open lapse"] if side.lapses else []
    told += ["in a sequence"] if side.enrolments else []
    told += [words(side.arm).lower()] if side.arm else []
    return ", ".join(told)


def page_for_two(admin: Any, request: HttpRequest, chosen: list[Contact]) -> HttpResponseBase | None:
    """From the list: two rows, and on to the page of the older one with the other filled in."""
    if len(chosen) != 2:
        admin.message_user(request, "Choose exactly two contacts to merge.", messages.ERROR)
        return None
    tenant_of(request)
    older, younger = sorted(chosen, key=lambda contact: contact.pk)
    return HttpResponseRedirect(f"{admin.deed_url('merge', older)}?{urlencode({'other': f'#{younger.pk}'})}")
