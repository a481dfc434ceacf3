"""What providers' reports cost, as ratios, both sides measured in one run: kept as they arrive, and applied.

    .venv/bin/python -m benchmarks.webhooks [--requests 2000] [--events 20000]

Three views in the same Django, called through WSGI in this process: one that checks the signature and parses, one that
does what is usual (signature, parse, then ORM: get the message, get_or_create the fact, a transaction), and ours. The
queue is left out: ours wakes a worker at most once a second. Applying is measured on bodies of 100 events and of one,
of which 5 % repeat another, against as many messages.
"""

import argparse
import base64
import hmac
import itertools
import json
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

from benchmarks.applying import applied, make_messages
from benchmarks.bare_imports import NOW
from benchmarks.ground import Lap, ground, lap, table

KEY = b"a key of the provider, for signing"
SECRET = "whsec_" + base64.b64encode(KEY).decode()


def signed(body: bytes, number: int) -> dict[str, str]:
    moment = str(int(time.time()))
    text = f"event-{number}.{moment}.".encode() + body
    signature = base64.b64encode(hmac.digest(KEY, text, "sha256")).decode()
    return {
        "HTTP_SVIX_ID": f"event-{number}",
        "HTTP_SVIX_TIMESTAMP": moment,
        "HTTP_SVIX_SIGNATURE": f"v1,{signature}",
    }


def called(application: Any, path: str, body: bytes, headers: dict[str, str]) -> int:
    """The status that a WSGI server would be answered."""
    status: list[str] = []
    environ = {
        "REQUEST_METHOD": "POST", "PATH_INFO": path, "SERVER_NAME": "127.0.0.1", "SERVER_PORT": "80",
        "HTTP_HOST": "127.0.0.1",
        "SERVER_PROTOCOL": "HTTP/1.1", "wsgi.url_scheme": "http", "wsgi.input": BytesIO(body), "wsgi.errors": BytesIO(),
        "CONTENT_TYPE": "application/json", "CONTENT_LENGTH": str(len(body)), **headers,
    }  # fmt: skip
    answer = application(environ, lambda line, _headers, _error=None: status.append(line))
    b"".join(answer)
    answer.close()
    return int(status[0].split()[0])


def views(tenant: Any, account: Any) -> list[Any]:
    """The two that ours is measured against."""
    from django.conf import settings
    from django.http import HttpRequest, HttpResponse
    from django.urls import include, path
    from django.utils import timezone
    from django.views.decorators.csrf import csrf_exempt

    from campaigns.delivery.routing import message_id_of
    from campaigns.planning.models import Message
    from campaigns.tracking.models import Interaction
    from winback.providers.receiving import Arrival
    from winback.tenancy import acting_for

    def arrived(request: HttpRequest) -> Any:
        arrival = Arrival(
            url=f"{settings.WINBACK_PUBLIC_URL}{request.path}",
            headers={name.lower(): value for name, value in request.headers.items()},
            body=request.body,
            received_at=timezone.now(),
        )
        account.authenticate(arrival)
        return json.loads(arrival.body)

    @csrf_exempt
    def parse(request: HttpRequest) -> HttpResponse:
        arrived(request)
        return HttpResponse(b"")

    @csrf_exempt
    def usual(request: HttpRequest) -> HttpResponse:
        told = arrived(request)
        with acting_for(tenant.pk):
            message = Message.objects.for_tenant(tenant).get(pk=message_id_of(told["data"]["reference"]))
            Interaction.objects.get_or_create(
                tenant=tenant,
                kind="delivered",
                dedupe_key=told["data"]["id"],
                defaults={"contact_id": message.contact_id, "message": message, "occurred_at": timezone.now()},
            )
            if message.state == "handed_over":
                message.state = "delivered"
                message.save(update_fields=["state"])
        return HttpResponse(b"")

    return [path("hooks/parse/", parse), path("hooks/usual/", usual), path("", include("winback.urls"))]


def _cells(taken: Lap) -> tuple[str, str, str]:
    client, server = (seconds / taken.rows * 1e6 for seconds in (taken.client, taken.server))
    return f"{taken.rate:,.0f}", f"{client:,.0f}", f"{server:,.0f}"


def keeping(tenant: Any, connection: Any, account: Any, messages: list[int], requests: int) -> list[tuple[str, ...]]:
    from django.core.wsgi import get_wsgi_application
    from django.db import connection as database
    from django.test import override_settings
    from django.urls import clear_url_caches, set_urlconf

    from campaigns.delivery.routing import reference_of
    from campaigns.tracking import hooks
    from campaigns.tracking.models import InboxItem
    from tenants.connections.hooks import path_of
    from winback.tenancy import acting_for

    hooks.enqueue = lambda *_, **__: None  # type: ignore[attr-defined]
    module = type("urls", (), {"urlpatterns": views(tenant, account)})
    database.settings_dict["CONN_MAX_AGE"] = None  # what its backend has used is counted
    laps: dict[str, Lap] = {}
    with override_settings(ROOT_URLCONF=module, ALLOWED_HOSTS=["127.0.0.1"]):
        clear_url_caches()
        set_urlconf(None)
        application = get_wsgi_application()
        numbers = itertools.count()

        def posts(path: str, number: int) -> Iterator[Callable[[], int]]:
            for _ in range(number):
                mark = next(numbers)
                told = {
                    "type": "email.delivered",
                    "data": {"id": f"e-{mark}", "to": ["person@example.com"], "subject": "x" * 60},
                }
                told["data"]["reference"] = reference_of(messages[mark % len(messages)])  # type: ignore[index]
                body = json.dumps(told).encode()
                headers = signed(body, mark)
                yield lambda body=body, headers=headers: called(application, path, body, headers)  # type: ignore[misc]

        paths = {"parse": "/hooks/parse/", "usual": "/hooks/usual/", "ours": path_of(connection)}
        for path in paths.values():  # warm
            assert {post() for post in posts(path, 50)} == {200}
        rounds = 4
        for _ in range(rounds):  # in turns: the machine is not alone
            for name, path in paths.items():
                ready = list(posts(path, requests // rounds))
                with lap(len(ready)) as taken:
                    for post in ready:
                        post()
                known = laps.setdefault(name, Lap(0))
                for part in ("rows", "client", "server", "wall", "wal"):
                    setattr(known, part, getattr(known, part) + getattr(taken, part))
        said = next(posts(paths["ours"], 1))
        with acting_for(tenant.pk):
            before = InboxItem.objects.for_tenant(tenant).count()
        assert {said() for _ in range(100)} == {200}
        with acting_for(tenant.pk):
            stored = InboxItem.objects.for_tenant(tenant).count() - before
    parse, usual, ours = laps["parse"], laps["usual"], laps["ours"]
    return [
        ("view", "requests/s", "our cpu us", "PostgreSQL's", "ratio", "goal"),
        ("signature and parse alone", *_cells(parse), "", ""),
        ("usual: ORM, get and get_or_create", *_cells(usual), f"{usual.cpu / parse.cpu:.1f}x cpu", ""),
        (
            "`/hooks/…`",
            *_cells(ours),
            f"{ours.cpu / parse.cpu:.1f}x cpu of parse; {ours.rate / usual.rate:.1f}x the rate of the ORM",
            "<= 4x; >= 2x",
        ),
        ("the same request 100 times: rows stored", "", "", "", str(stored), "1"),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=2_000)
    parser.add_argument("--events", type=int, default=20_000)
    arguments = parser.parse_args()
    with ground():
        from tenants.connections.connecting import connect, open_provider
        from tests import factories
        from winback.tenancy import acting_for, acting_for_all

        with acting_for_all("benchmark"):
            tenant = factories.make_tenant("webhooks", plan="enterprise", sandbox=False)
        with acting_for(tenant.pk):
            resend = connect(
                tenant, kind="email", provider="resend", now=NOW, actor="benchmark",
                credentials={"api_key": "re_x", "signing_secret": SECRET},
            )  # fmt: skip
            fake = connect(tenant, kind="email", provider="fake", now=NOW, actor="benchmark")
            messages = make_messages(tenant, fake, 2 * arguments.events)
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        print(table(keeping(tenant, resend, open_provider(resend), messages, arguments.requests)))
        half = arguments.events
        print(table(applied(tenant, fake, messages[:half], half, each=100)))
        print(table(applied(tenant, fake, messages[half:], half, each=1)))


if __name__ == "__main__":
    main()
