"""``/hooks/<provider>/<token>/``: where providers report. It is stored and acknowledged; a worker applies it.

What is wrong here is answered in few words: 404 for an address that nobody was given (whatever is wrong with it), 401
for a request that does not show who sent it, 413 for one that is too long. No body is logged.
"""

import logging
from datetime import datetime
from time import monotonic

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from campaigns.tracking import inbox, jobs
from tenants.connections.hooks import UnknownAddress, read_token
from winback.providers.errors import ProviderError
from winback.providers.receiving import Arrival, NotAuthentic
from winback.queues import REPLIES, enqueue

logger = logging.getLogger(__name__)

WAKE_EVERY_SECONDS = 1.0
_NOT_KEPT = {"Cache-Control": "no-store"}
_woken: dict[int, float] = {}


# No CSRF token: a provider has no session, and shows who it is in its own way.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def hook(request: HttpRequest, provider: str, token: str) -> HttpResponse:
    """Keep what the provider reports, and answer as it wants to be answered."""
    try:
        address = read_token(token)
        if _too_long(request):
            return _short(413, "Too long.")
        if request.method != "POST" and not request.META.get("QUERY_STRING"):
            return _short(200, "")  # some look whether there is anything before they save the address
        now = timezone.now()  # noqa: TID251 - the edge: the clock is read once
        kept = inbox.keep(address, provider, _arrival(request, now), now=now)
    except UnknownAddress:
        return _short(404, "Not found.")
    except NotAuthentic:
        # Some send their name and password only when they are asked for it (RFC 9110).
        return HttpResponse(
            "Not authenticated.",
            status=401,
            content_type="text/plain",
            headers={"WWW-Authenticate": 'Basic realm="winback", charset="UTF-8"'},
        )
    except ProviderError as error:
        # What it is signed with cannot be fetched now: it comes again.
        logger.warning("A report cannot be authenticated for now: %s", error)
        return _short(503, "Try again.")
    if kept.new:
        _wake(address.tenant_id)
    return HttpResponse(kept.answer, content_type=kept.content_type, headers=_NOT_KEPT)


def _too_long(request: HttpRequest) -> bool:
    length = request.META.get("CONTENT_LENGTH") or "0"
    return (
        not length.isdecimal()
        or int(length) > inbox.MOST_BYTES
        or len(request.META.get("QUERY_STRING", "")) > inbox.MOST_QUERY
        or len(request.body) > inbox.MOST_BYTES  # where its length was not said
    )


def _short(status: int, text: str) -> HttpResponse:
    return HttpResponse(text, status=status, content_type="text/plain", headers=_NOT_KEPT)


def _arrival(request: HttpRequest, now: datetime) -> Arrival:
    """The request as the provider sent it: signatures cover the public address, whatever the proxies made of it."""
    query = request.META.get("QUERY_STRING", "")
    url = f"{settings.WINBACK_PUBLIC_URL}{request.path}" + (f"?{query}" if query else "")
    return Arrival(
        url=url,
        headers={name.lower(): value for name, value in request.headers.items()},
        body=request.body,
        received_at=now,
        method=request.method or "POST",
    )


def _wake(tenant_id: int) -> None:
    """Have a worker apply it soon: at most once a second, for a burst would cost more in the queue than here."""
    if monotonic() - _woken.get(tenant_id, -WAKE_EVERY_SECONDS) >= WAKE_EVERY_SECONDS:
        _woken[tenant_id] = monotonic()
        enqueue(jobs.apply_events, unique=f"apply-{tenant_id}", queue=REPLIES, tenant=tenant_id)


urlpatterns = [path("hooks/<slug:provider>/<str:token>/", hook, name="hook")]
