"""How fast messages are sent, as ratios to the bare loop and to Django's own ways, both sides measured in one run.

    .venv/bin/python -m benchmarks.sending [--messages 4000]

The bare loop is what any sender must do: render the same templates with the same facts as Liquid renders them, write
the MIME, hand it to the same SMTP server over one connection; no database, no guards, no evidence, no memory of a
crash. The bare rows are what a sender that survives a crash and can say why writes besides. The naive loop is a Django
template compiled and ``send_mail`` called for each message, and the row saved. The server is a sink on this host.
"""

import argparse
import json
import os
import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks.bare_imports import NOW
from benchmarks.bare_sending import bare_loop, bare_rows
from benchmarks.ground import ROOT, Lap, ground, lap, setup, table
from benchmarks.imports import take, write

CONTACTS = ["external_id", "email", "first_name", "last_name", "region", "country", "email_consent", "email_consent_at"]
JOBS = ["external_id", "contact_external_id", "completed_at", "amount", "service"]


@contextmanager
def sink() -> Iterator[int]:
    """The counting server in a process of its own; gives its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([sys.executable, str(Path(__file__).parent / "sink.py"), str(port)])
    try:
        for _ in range(100):
            try:
                taken(port)
                break
            except OSError:
                time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait()


def taken(port: int) -> int:
    """How many messages the sink has taken."""
    with smtplib.SMTP("127.0.0.1", port) as client:
        return int(client.docmd("HELP")[1].split()[0])


def make_business(slug: str, messages: int, port: int, home: Path) -> Any:
    """A tenant with so many treated customers whose first message is due."""
    from campaigns.audience import dormancy
    from campaigns.operating.planning import plan
    from tenants.connections.connecting import connect
    from tests import factories
    from winback.tenancy import acting_for, acting_for_all

    with acting_for_all("benchmark"):
        tenant = factories.make_tenant(slug, plan="enterprise", sandbox=False)
    with acting_for(tenant.pk):
        options = {"host": "127.0.0.1", "port": str(port), "security": "none", "domain_limits": False}
        connect(tenant, kind="email", provider="smtp", now=NOW, actor="benchmark", options=options)
        factories.make_activation(
            tenant, settings={"daily_enrolment_cap": messages, "channels": ["email"]}, holdout_share=0
        )
    last = NOW - timedelta(days=200)
    people = (
        [f"C-{n}", f"p{n}@example.com", f"First{n}", f"Last{n}", "IL", "US", "yes", "2025-01-02"]
        for n in range(messages)
    )
    take("contacts", tenant, write(home / f"{slug}-contacts.csv", CONTACTS, people), messages)
    jobs = ([f"J-{n}", f"C-{n}", last.isoformat(), "129.00", "Furnace tune-up"] for n in range(messages))
    take("jobs", tenant, write(home / f"{slug}-jobs.csv", JOBS, jobs), messages)
    dormancy.scan(now=NOW, tenant=tenant)
    with acting_for(tenant.pk):
        planned = plan(tenant, now=NOW)
    print(f"{slug}: {planned}", file=sys.stderr)
    return tenant


def facts_and_due(tenant: Any) -> list[dict[str, Any]]:
    """What the bare loop is given for nothing: the facts of everything that is due."""
    from campaigns.delivery.message_facts import facts_of
    from campaigns.planning.models import Message
    from winback.tenancy import acting_for

    with acting_for(tenant.pk):
        due = Message.objects.for_tenant(tenant).filter(state="planned").order_by("id").values_list("id", flat=True)
        return [dict(facts) for facts in facts_of(tenant.pk, list(due), now=NOW)]


def naive_loop(tenant: Any, facts: list[dict[str, Any]], port: int) -> None:
    """The way of the tutorial: compile, send_mail, save, a message at a time."""
    from django.core.mail import send_mail
    from django.template import Context, Template
    from django.test import override_settings

    from campaigns.delivery.rendering import render
    from campaigns.planning.models import Message
    from winback.tenancy import acting_for

    # The rendered words of one message with three variables put back: a template of the same length.
    sample = render(facts[0], now=NOW)
    name = str(facts[0]["first_name"])
    source, plain = (words.replace(name, "{{ first_name }}").replace("{%", "") for words in (sample.html, sample.text))
    with override_settings(
        EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend", EMAIL_HOST="127.0.0.1", EMAIL_PORT=port
    ):
        for each in facts:
            context = Context(each)
            send_mail(
                sample.subject,
                Template(plain).render(context),
                each["sender_email"],
                [each["email"]],
                html_message=Template(source).render(context),
            )
            with acting_for(tenant.pk):
                message = Message.objects.for_tenant(tenant).get(pk=each["id"])
                message.state, message.handed_over_at = "handed_over", NOW
                message.save()


def send(tenant: Any) -> dict[str, int]:
    from campaigns.delivery.sending import send_due

    return send_due(tenant, now=NOW)


def measured(rows: int, work: Callable[[], Any]) -> Lap:
    with lap(rows) as taken_by:
        taken_by.notes = {"answer": work()}
    return taken_by


def last_sent(tenant: Any) -> Any:
    from campaigns.planning.models import Message
    from winback.tenancy import acting_for

    with acting_for(tenant.pk):
        return Message.objects.for_tenant(tenant).filter(state="handed_over").order_by("-pk")[0]


def both(one: Lap, other: Lap) -> Lap:
    """The two, one after the other."""
    return Lap(one.rows, one.client + other.client, one.server + other.server, one.wall + other.wall)


def two_workers(what: str, slug: str, port: int, rows: int) -> Lap:
    """The same work by two processes at once, from the moment at which both are ready."""
    command = [sys.executable, "-m", "benchmarks.sending", "--worker", what, slug, str(port)]
    workers = [
        subprocess.Popen(
            [*command, str(number)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=os.environ
        )
        for number in range(2)
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline().strip() == "ready"
    began = time.perf_counter()
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    answers = [json.loads(worker.communicate()[0]) for worker in workers]
    total = Lap(rows, wall=time.perf_counter() - began)
    total.client = sum(answer["client"] for answer in answers)
    total.server = sum(answer["server"] for answer in answers)
    total.notes = {"memory": max(answer["memory"] for answer in answers)}
    return total


def worker(what: str, slug: str, port: str, number: str) -> None:
    """One of two processes: gets ready, waits for the word, works, says what it took."""
    setup()
    from tenants.accounts.models import Tenant

    tenant = Tenant.objects.select_related("plan", "niche").get(slug=slug)
    facts = facts_and_due(tenant)[int(number) :: 2] if what == "bare" else []
    print("ready", flush=True)
    sys.stdin.readline()
    work = (lambda: bare_loop(facts, int(port))) if what == "bare" else (lambda: send(tenant))
    done = measured(1, work)
    # Not ru_maxrss: that begins with what the parent held when it forked.
    memory = int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
    print(json.dumps({"client": done.client, "server": done.server, "memory": memory}), flush=True)


def show(what: str, taken_by: Lap, against: Lap | None = None, goal: str = "") -> tuple[str, ...]:
    ratios = ("", "")
    if against is not None:
        ratios = (f"{taken_by.cpu / against.cpu:.2f}x", f"{taken_by.rate / against.rate:.2f}x")
    return (
        what, f"{taken_by.rows:,}", f"{taken_by.rate:,.0f}", f"{taken_by.client / taken_by.rows * 1e6:,.0f}",
        f"{taken_by.server / taken_by.rows * 1e6:,.0f}", *ratios, goal,
    )  # fmt: skip


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Ratios of sending to the bare loop")
    parser.add_argument("--messages", type=int, default=4_000)
    parser.add_argument("--worker", nargs=4, metavar=("WHAT", "SLUG", "PORT", "NUMBER"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        worker(*arguments.worker)
        return
    number = arguments.messages
    with ground() as home, sink() as port:
        warm = make_business("warm", 200, port, home)
        one = make_business("one", number, port, home)
        make_business("two", number, port, home)
        written = make_business("rows", number, port, home)
        bare_loop(facts_and_due(warm), port)
        send(warm)
        facts = facts_and_due(one)
        few = facts[: min(max(number // 10, 100), 1_000)]
        before = taken(port)
        bare = measured(number, lambda: bare_loop(facts, port))
        rows = measured(number, lambda: bare_rows(written, last_sent(warm)))
        sent = measured(number, lambda: send(one))
        bare_two = two_workers("bare", "two", port, number)
        sent_two = two_workers("send", "two", port, number)
        arrived = taken(port) - before
        naive = measured(len(few), lambda: naive_loop(one, few, port))
        print(
            table(
                [
                    ("what", "messages", "messages/s", "our cpu us", "PostgreSQL's", "cpu ratio", "rate ratio", "goal"),
                    show("bare: render + MIME + SMTP, one process", bare),
                    show("… send_due", sent, bare, "cpu <= 1.3x"),
                    show("bare: the rows that stay of them", rows),
                    show("… send_due, to both together", sent, both(bare, rows), ""),
                    show("bare, two processes", bare_two),
                    show("… send_due by two", sent_two, bare_two, "rate >= 0.8x, cpu <= 1.3x"),
                    show("… send_due to Django's send_mail a message", sent, naive, "cpu <= 0.1x"),
                    show("(Django's send_mail a message)", naive),
                ]
            )
        )
        print(f"sent {sent.notes['answer']}; the sink took {arrived:,} of {4 * number:,}")
        print(f"peak memory of one of the two that sent: {sent_two.notes['memory'] / 1024:,.0f} MB")


if __name__ == "__main__":
    main()
