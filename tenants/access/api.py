"""The developer API itself: who may call it, how its errors look, its OpenAPI document and its pages.

``winback.urls`` makes the one instance and adds the routers of the rooms.
"""

import logging
import re
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import URLPattern, path
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.openapi.schema import OpenAPISchema
from ninja.security import HttpBearer

from tenants.access.middleware import unauthorized
from tenants.access.models import ApiKey
from winback import __doc__ as about
from winback.problems import Problem, problem_response

_CODE = re.compile(r"(`[^`]*`)")

logger = logging.getLogger(__name__)

DESCRIPTION = f"""{about}

Sign in with an API key: `Authorization: Bearer wb_…` (`manage.py create_api_key`). Errors are problem documents (RFC
9457) with a stable `code`. Send an `Idempotency-Key` with a POST, and the same key answers the same without doing the
work again."""


class KeyAuth(HttpBearer):
    """The key that the middleware has already checked; here for the OpenAPI document and as a second look."""

    def authenticate(self, request: HttpRequest, token: str) -> ApiKey | None:
        key: ApiKey | None = getattr(request, "api_key", None)
        return key


class DeveloperApi(NinjaAPI):
    """Ninja with our errors, our document and our pages (its own load scripts from elsewhere)."""

    def __init__(self) -> None:
        super().__init__(
            title="winback",
            version="1",
            description=DESCRIPTION,
            auth=KeyAuth(),
            docs_url=None,
            openapi_url=None,
            urls_namespace="api",
        )
        self.add_exception_handler(Problem, _problem)
        self.add_exception_handler(ValidationError, _invalid)
        self.add_exception_handler(AuthenticationError, _unauthorized)
        self.add_exception_handler(HttpError, _refused)
        self.add_exception_handler(Http404, _not_found)
        self.add_exception_handler(Exception, _failed)

    def pages(self) -> list[URLPattern]:
        """``openapi.json`` and ``docs``, which need no key."""
        return [
            path("openapi.json", lambda _: JsonResponse(self.document())),
            path("docs", lambda request: render(request, "tenants/api_docs.html", self._shown())),
        ]

    def document(self) -> OpenAPISchema:
        """The OpenAPI 3.1 document."""
        return self.get_openapi_schema(path_prefix="/api/")

    def _shown(self) -> dict[str, Any]:
        """The document as the page shows it: operations by tag, without scripts."""
        document = self.document()
        groups: dict[str, list[dict[str, Any]]] = {}
        for address, methods in document["paths"].items():
            for method, operation in methods.items():
                tag = (operation.get("tags") or ["Other"])[0]
                content = operation.get("requestBody", {}).get("content", {})
                reference = next((each["schema"].get("$ref", "") for each in content.values()), "")
                groups.setdefault(tag, []).append(
                    {
                        "method": method.upper(),
                        "path": address,
                        "summary": operation.get("summary", ""),
                        "description": worded(operation.get("description", "")),
                        "parameters": [
                            {**each, "words": worded(each["schema"].get("description", ""))}
                            for each in operation.get("parameters", [])
                        ],
                        "body": _fields(document, reference),
                        "answers": [
                            (status, _fields(document, _reference(answer)))
                            for status, answer in operation.get("responses", {}).items()
                        ],
                    }
                )
        return {
            "title": document["info"]["title"],
            "description": worded(document["info"]["description"]),
            "groups": groups,
        }


def worded(text: str) -> SafeString:
    """Paragraphs and `code` of a description as HTML, everything else escaped."""
    paragraphs = [" ".join(paragraph.split()) for paragraph in text.split("\n\n") if paragraph.strip()]
    return format_html_join(
        "",
        "<p>{}</p>",
        ((format_html_join("", "{}", ((_piece(each),) for each in _CODE.split(words))),) for words in paragraphs),
    )


def _piece(text: str) -> str:
    return format_html("<code>{}</code>", text[1:-1]) if _CODE.fullmatch(text) else text


def _reference(answer: dict[str, Any]) -> str:
    content = answer.get("content", {}).get("application/json", {})
    return str(content.get("schema", {}).get("$ref", ""))


def _fields(document: OpenAPISchema, reference: str) -> list[dict[str, Any]]:
    schema = document.get("components", {}).get("schemas", {}).get(reference.rpartition("/")[2], {})
    required = schema.get("required", [])
    return [
        {
            "name": name,
            "type": field.get("type") or field.get("$ref", "").rpartition("/")[2] or "any",
            "required": name in required,
            "description": worded(field.get("description", "")),
        }
        for name, field in schema.get("properties", {}).items()
    ]


def _problem(request: HttpRequest, error: Any) -> HttpResponse:
    return problem_response(request, error)


def _invalid(request: HttpRequest, error: Any) -> HttpResponse:
    """Ninja's list of faults, each with the path of what is wrong."""
    errors = [
        {
            "path": ".".join(str(part) for part in fault["loc"] if part not in ("body", "query", "path")),
            "pointer": "#/" + "/".join(str(part) for part in fault["loc"][2:]),
            "message": fault["msg"],
        }
        for fault in error.errors
    ]
    return problem_response(request, Problem(422, "request_invalid", "The request is not valid.", errors=errors))


def _unauthorized(request: HttpRequest, _: Any) -> HttpResponse:
    return problem_response(request, unauthorized("Send an API key: Authorization: Bearer wb_…"))


def _refused(request: HttpRequest, error: Any) -> HttpResponse:
    code = {400: "bad_request", 403: "forbidden", 404: "not_found", 409: "conflict"}.get(error.status_code, "error")
    return problem_response(request, Problem(error.status_code, code, str(error)))


def _not_found(request: HttpRequest, _: Any) -> HttpResponse:
    return problem_response(request, Problem(404, "not_found", "There is nothing at this address."))


def _failed(request: HttpRequest, error: Any) -> HttpResponse:
    logger.error("The API failed at %s", request.path, exc_info=error)
    return problem_response(request, Problem(500, "internal_error", "Something went wrong on our side; it is logged."))
