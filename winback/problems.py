"""Errors of the developer API as RFC 9457 problem documents, each with a stable ``code``."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse

CONTENT_TYPE = "application/problem+json"


class Problem(Exception):
    """Something is wrong with a request: ``code`` is for programs, ``detail`` tells a person what to do."""

    def __init__(
        self, status: int, code: str, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = dict(headers or {})
        self.more = more


def problem_response(request: HttpRequest, problem: Problem) -> HttpResponse:
    body = {
        "type": f"urn:winback:problem:{problem.code}",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "code": problem.code,
        "detail": problem.detail,
        "instance": request.path,
        **problem.more,
    }
    return HttpResponse(
        json.dumps(body, ensure_ascii=False), status=problem.status, content_type=CONTENT_TYPE, headers=problem.headers
    )
