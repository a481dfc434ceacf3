"""``/t/<token>`` and ``/o/<token>.gif``: on to where a link leads, and a picture of nothing."""

import base64
import logging

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from campaigns.delivery.links import InvalidToken, Purpose, read_click_token, read_token
from campaigns.tracking import clicking
from campaigns.tracking.clicking import Visit
from winback.tenancy import acting_for

logger = logging.getLogger(__name__)

_PICTURE = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")


@never_cache
@require_safe
def follow(request: HttpRequest, token: str) -> HttpResponse:
    """On to the page of the link. HEAD tells where it leads, too, and counts for nothing."""
    try:
        click = read_click_token(token)
    except InvalidToken:
        return _private(render(request, "tracking/gone.html", status=404))
    with acting_for(click.tenant_id):
        url = clicking.destination_of(click)
    if url is None:
        return _private(render(request, "tracking/gone.html", status=404))
    if request.method == "GET":
        try:
            with acting_for(click.tenant_id):
                clicking.note_click(click, _visit(request), now=timezone.now())  # noqa: TID251 - the edge
        except DatabaseError:
            logger.exception("A click was not kept")  # whoever clicked gets to the page all the same
    # Not Django's own redirect, which would read the destination once more: only its row decides.
    return _private(HttpResponse(status=302, headers={"Location": url}))


@never_cache
@require_safe
def pixel(request: HttpRequest, token: str) -> HttpResponse:
    """The same picture whatever the token: it tells nobody whether it was a true one."""
    try:
        link = read_token(Purpose.OPEN, token)
        if request.method == "GET":
            with acting_for(link.tenant_id):
                clicking.note_open(link, _visit(request), now=timezone.now())  # noqa: TID251 - the edge
    except InvalidToken:
        pass
    except DatabaseError:
        logger.exception("An open was not kept")
    return _private(HttpResponse(_PICTURE, content_type="image/gif"))


def _visit(request: HttpRequest) -> Visit:
    purposes = f"{request.headers.get('Sec-Purpose', '')} {request.headers.get('Purpose', '')}".lower()
    agent = "".join(sign for sign in request.headers.get("User-Agent", "") if sign.isprintable())
    return Visit(user_agent=agent, prefetch="prefetch" in purposes or "prerender" in purposes)


def _private(response: HttpResponse) -> HttpResponse:
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    return response
