"""The customer's pages: booking and unsubscribing. The token names the tenant; they open its scope themselves."""

from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from campaigns.delivery.links import InvalidToken, Purpose, read_token
from campaigns.delivery.tidying import given_name
from campaigns.tracking import booking, unsubscribing
from campaigns.tracking.forms import BookingForm, end_of_email, end_of_phone
from winback.tenancy import acting_for

Page = Callable[[HttpRequest, str], HttpResponse]


def _secret_link(page: Page) -> Page:
    """The address is the permission: it must not travel on in a Referer, nor into an index or a cache."""

    @never_cache
    @wraps(page)
    def guarded(request: HttpRequest, token: str) -> HttpResponse:
        response = page(request, token)
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["X-Robots-Tag"] = "noindex, nofollow"
        return response

    return guarded


def _gone(request: HttpRequest) -> HttpResponse:
    return render(request, "tracking/gone.html", status=404)


# No CSRF token: a mailbox provider posts here without ever having seen a page (RFC 8058), and the only thing that a
# forged request could do is stop messages to somebody whose secret link it already holds.
@csrf_exempt
@_secret_link
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows a page and changes nothing; POST acts at once, without cookie, redirect or question."""
    try:
        link = read_token(Purpose.UNSUBSCRIBE, token)
    except InvalidToken:
        return _gone(request)
    with acting_for(link.tenant_id):
        recipient, now = unsubscribing.recipient_of(link), timezone.now()
        one_click = request.POST.get("List-Unsubscribe") == "One-Click"
        wish = "" if one_click else request.POST.get("scope", "")
        if request.method != "POST" or wish == "following":
            if request.POST.get("follow_no_more"):
                unsubscribing.follow_no_more(recipient, now=now, source="unsubscribe_page")
            shown = {
                "recipient": recipient,
                "brand": recipient.brand,
                "may_be_followed": unsubscribing.may_be_followed(recipient, now=now),
                "said_now": request.method == "POST",
            }
            return render(request, "tracking/unsubscribe.html", shown)
        everything = wish == "everything"
        unsubscribing.unsubscribe(
            recipient, everything=everything, now=now, source="one_click" if one_click else "unsubscribe_page"
        )
        return render(
            request,
            "tracking/unsubscribed.html",
            {"recipient": recipient, "brand": recipient.brand, "everything": everything},
        )


# No CSRF token: the page must work without a cookie, and the secret link is the permission.
@csrf_exempt
@_secret_link
@require_http_methods(["GET", "HEAD", "POST"])
def book(request: HttpRequest, token: str) -> HttpResponse:
    """The booking page, prefilled; or on to the brand's own booking site."""
    try:
        link = read_token(Purpose.BOOK, token)
    except InvalidToken:
        return _gone(request)
    now = timezone.now()
    with acting_for(link.tenant_id):
        invitation = booking.invitation_of(link, now=now)
        if invitation is None:
            return _gone(request)
        if request.method == "GET":
            booking.note_click(invitation, now=now)
        today = now.astimezone(invitation.tenant.zone).date()
        if invitation.elsewhere(today) and request.method != "POST":
            return HttpResponseRedirect(invitation.elsewhere(today))
        contact, brand = invitation.contact, invitation.brand
        form = BookingForm(
            request.POST if request.method == "POST" else None,
            today=today,
            known={"phone": end_of_phone(contact.phone), "email": end_of_email(contact.email)},
            initial={
                "service": invitation.last_service,
                "name": f"{contact.first_name} {contact.last_name}".strip(),
            },
        )
        shown = {
            "first_name": given_name(contact.first_name, on=today),
            "brand": brand,
            "dial": "".join(character for character in brand.phone if character in "+0123456789"),
            "offer": invitation.offer(today),
            "elsewhere": brand.booking_url,
            "form": form,
        }
        if form.is_valid():
            wanted = booking.request_booking(invitation, booking.Wish(**form.cleaned_data), now=now)
            if wanted is None:
                return _gone(request)
            times = dict(BookingForm.TIMES)
            return render(
                request, "tracking/booked.html", shown | {"wanted": wanted, "time": times[wanted.preferred_time]}
            )
        return render(request, "tracking/book.html", shown, status=422 if form.is_bound else 200)
