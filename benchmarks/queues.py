"""What a message costs beside other queues of Django's: django-mailer and django-post-office, all in one run.

    .venv/bin/pip install --target DIR -r benchmarks/queues_requirements.txt
    PYTHONPATH=DIR .venv/bin/python -m benchmarks.queues [--messages 1000]

Each is given the same words, rendered by our own renderer within its time, and hands them to the same SMTP sink: queued
in bulk where it can do that, then sent by its own command, in one process. Neither asks whether the person may be
written to, keeps evidence, or survives a kill without a double send; send_due does.
"""

import argparse
import os
from typing import Any

from benchmarks.bare_imports import NOW
from benchmarks.bare_sending import bare_loop
from benchmarks.ground import ground, table
from benchmarks.sending import facts_and_due, make_business, measured, send, show, sink, taken

CHUNK = 500


def rendered(facts: list[dict[str, Any]]) -> list[tuple[dict[str, Any], Any]]:
    from campaigns.delivery.rendering import render

    return [(each, render(each, now=NOW)) for each in facts]


def by_mailer(facts: list[dict[str, Any]]) -> None:
    """django-mailer: a row a message, then its send_all."""
    import mailer
    from mailer.engine import send_all

    for each, words in rendered(facts):
        mailer.send_html_mail(words.subject, words.text, words.html, each["sender_email"], [each["email"]])
    send_all()


def by_post_office(facts: list[dict[str, Any]]) -> None:
    """django-post-office: rows in bulk, then its send_queued until nothing is queued."""
    from post_office import mail
    from post_office.models import STATUS, Email

    for start in range(0, len(facts), CHUNK):
        mail.send_many(
            [
                {
                    "recipients": [each["email"]],
                    "sender": each["sender_email"],
                    "subject": words.subject,
                    "message": words.text,
                    "html_message": words.html,
                }
                for each, words in rendered(facts[start : start + CHUNK])
            ]
        )
    while Email.objects.filter(status=STATUS.queued).exists():
        mail.send_queued(processes=1, log_level=0)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--messages", type=int, default=1_000)
    number = parser.parse_args().messages
    os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.queue_settings"
    with ground() as home, sink() as port:
        from django.test import override_settings

        warm = make_business("warm", 200, port, home)
        one = make_business("one", number, port, home)
        facts = facts_and_due(one)
        with override_settings(EMAIL_HOST="127.0.0.1", EMAIL_PORT=port):
            for way in (bare_loop, lambda given, _: by_mailer(given), lambda given, _: by_post_office(given)):
                way(facts_and_due(warm)[:50], port)
            send(warm)
            before = taken(port)
            bare = measured(number, lambda: bare_loop(facts, port))
            mailer = measured(number, lambda: by_mailer(facts))
            post_office = measured(number, lambda: by_post_office(facts))
            ours = measured(number, lambda: send(one))
            arrived = taken(port) - before
        print(
            table(
                [
                    ("what", "messages", "messages/s", "our cpu us", "PostgreSQL's", "cpu ratio", "rate ratio", "goal"),
                    show("bare: render + MIME + SMTP", bare),
                    show("django-mailer", mailer, bare),
                    show("django-post-office", post_office, bare),
                    show("send_due, to the bare loop", ours, bare, "cpu <= 1.3x"),
                    show("send_due, to django-mailer", ours, mailer, "cpu <= 1/12"),
                    show("send_due, to django-post-office", ours, post_office, "cpu <= 1/6"),
                ]
            )
        )
        print(f"the sink took {arrived:,} of {4 * number:,}")


if __name__ == "__main__":
    main()
