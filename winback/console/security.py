"""Headers of every answer: a strict Content-Security-Policy, and nothing private in a shared cache."""

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec

from django.http import HttpRequest
from django.http.response import HttpResponseBase

POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
PREVIEW_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data: https:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'; sandbox"
)
PRIVATE = ("/console/", "/u/", "/book/")
BY_TOKEN = ("/u/", "/book/", "/t/", "/o/")
"""Pages whose address is a secret: it must not travel to another site as a referrer."""

Parameters = ParamSpec("Parameters")
View = Callable[Parameters, HttpResponseBase]


def content_security_policy(policy: str) -> Callable[[View[Parameters]], View[Parameters]]:
    """Give the answers of one view a policy of their own."""

    def decorate(view: View[Parameters]) -> View[Parameters]:
        @wraps(view)
        def with_policy(*args: Parameters.args, **kwargs: Parameters.kwargs) -> HttpResponseBase:
            response = view(*args, **kwargs)
            response.headers["Content-Security-Policy"] = policy
            return response

        return with_policy

    return decorate


def message_preview(view: View[Parameters]) -> View[Parameters]:
    """For a view that answers with a message's HTML, to be shown in ``<iframe sandbox="" src=…>`` of the console.

    An e-mail needs inline styles, and its text comes from strangers: the browser gives it an origin of its own, runs
    no script in it and follows no form.
    """

    @wraps(view)
    def framed(*args: Any, **kwargs: Any) -> HttpResponseBase:
        response = view(*args, **kwargs)
        response.headers["X-Frame-Options"] = "SAMEORIGIN"
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    return content_security_policy(PREVIEW_POLICY)(framed)


class ContentSecurityPolicyMiddleware:
    """No inline script or style anywhere: this console shows imported names, provider errors and e-mail HTML."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        headers = response.headers
        headers.setdefault("Content-Security-Policy", POLICY)
        headers.setdefault("X-Content-Type-Options", "nosniff")
        headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
        headers.setdefault(
            "Referrer-Policy", "no-referrer" if request.path_info.startswith(BY_TOKEN) else "same-origin"
        )
        if request.path_info.startswith(PRIVATE):
            headers.setdefault("Cache-Control", "private, no-store")
        return response
