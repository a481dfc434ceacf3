"""The customer's pages: booking and unsubscribing. They carry their tenant in the token and open its scope themselves."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from campaigns.delivery.links import InvalidToken, Purpose, read_token
from campaigns.tracking import booking, unsubscribing
from campaigns.tracking.forms import BookingForm
from winback.tenancy import acting_for


def _gone(request: HttpRequest) -> HttpResponse:
    return render(request, "tracking/gone.html", status=404)


# No CSRF token: a mailbox provider posts here without ever having seen a page (RFC 8058), and the only thing that a
# forged request could do is stop messages to somebody whose secret link it already holds.
@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """GET shows a page and changes nothing; POST acts at once, without cookie, redirect or question."""
    try:
        link = read_token(Purpose.UNSUBSCRIBE, token)
    except InvalidToken:
        return _gone(request)
    with acting_for(link.tenant_id):
        recipient = unsubscribing.recipient_of(link)
        if request.method != "POST":
            return render(request, "tracking/unsubscribe.html", {"recipient": recipient, "brand": recipient.brand})
        one_click = request.POST.get("List-Unsubscribe") == "One-Click"
        unsubscribing.unsubscribe(
            recipient,
            everything=request.POST.get("scope") == "everything",
            now=timezone.now(),
            source="one_click" if one_click else "unsubscribe_page",
        )
        return render(request, "tracking/unsubscribed.html", {"recipient": recipient, "brand": recipient.brand})


# No CSRF token: the page must work without a cookie, and the secret link is the permission.
@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def book(request: HttpRequest, token: str) -> HttpResponse:
    """The booking page, prefilled; or on to the brand's own booking site."""
    try:
        link = read_token(Purpose.BOOK, token)
    except InvalidToken:
        return _gone(request)
    now = timezone.now()
    with acting_for(link.tenant_id):
        invitation = booking.invitation_of(link)
        if invitation is None:
            return _gone(request)
        if request.method == "GET":
            booking.note_click(invitation, now=now)
        if invitation.brand.booking_url and request.method != "POST":
            return HttpResponseRedirect(invitation.brand.booking_url)
        today = now.astimezone(invitation.tenant.zone).date()
        contact = invitation.contact
        form = BookingForm(
            request.POST or None,
            today=today,
            initial={
                "service": invitation.last_service,
                "name": f"{contact.first_name} {contact.last_name}".strip(),
                "phone": contact.phone,
                "email": contact.email,
            },
        )
        if request.method == "POST" and form.is_valid():
            wanted = booking.request_booking(invitation, booking.Wish(**form.cleaned_data), now=now)
            return render(
                request, "tracking/booked.html", {"invitation": invitation, "brand": invitation.brand, "wanted": wanted}
            )
        status = 422 if form.is_bound else 200
        return render(
            request,
            "tracking/book.html",
            {"invitation": invitation, "brand": invitation.brand, "form": form},
            status=status,
        )
