"""One person who has left a trace in every table, each with the same planted words, to be looked for afterwards."""

import json
from base64 import b64encode
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from campaigns.audience.addresses import address_hmac
from campaigns.audience.consent import record_consent
from campaigns.audience.experiment_models import Assignment
from campaigns.audience.models import Contact, ImportBatch, Suppression
from campaigns.audience.suppressing import suppress
from campaigns.audience.tagging import tag_contact
from campaigns.compliance.models import DomainRamp, RecipientDomain, Touch
from campaigns.delivery.routing import reference_of
from campaigns.operating import erasing
from campaigns.operating.erasure_models import Erasure
from campaigns.planning.models import Enrolment, Message
from campaigns.results.models import Reactivation
from campaigns.tracking.models import BookingRequest, InboxItem, Interaction
from campaigns.tracking.replying import receive_text
from campaigns.tracking.thread_models import Conversation, ThreadText
from tenants.access.models import IdempotentRequest
from tenants.accounts.models import Tenant
from tenants.connections.connecting import connect, outbox_directory
from tenants.connections.models import Connection
from tenants.journal.models import Task
from tenants.webhooks import endpoints
from tenants.webhooks.models import WebhookDelivery
from tests import factories
from winback.providers.receiving import Report, ReportKind

NOW = factories.NOW
MARK = "zqplanted"
EMAIL, PHONE = f"{MARK}@{MARK}.example.com", "+13125550199"
SECOND_EMAIL, SECOND_PHONE = f"{MARK}.work@example.com", "+13125550188"
NUMBER, JOB = f"{MARK}-number", f"{MARK}-job"
SOUGHT = (MARK, "3125550199", "3125550188", "312-555-0188")


def contact_of(tenant: Tenant, **fields: Any) -> Contact:
    """A contact whose keys and digests are those of its addresses."""
    email, phone = fields.get("email", ""), fields.get("phone", "")
    return factories.make_contact(
        tenant,
        **fields,
        email_hmac=address_hmac(email) if email else None,
        phone_key=phone or None,
        phone_hmac=address_hmac(phone) if phone else None,
    )


def plant(tenant: Tenant) -> Contact:
    """The person: a contact, with another that was merged into it, in every table and file."""
    contact = contact_of(
        tenant, external_id=NUMBER, email=EMAIL, phone=PHONE, first_name=MARK, last_name=MARK, company=MARK,
        address=f"1 {MARK} Street", city=MARK, region=MARK, postal_code=MARK[:9], acquisition_channel=MARK,
        attributes={MARK: MARK}, address_key=MARK, name_key=MARK, acquired_on=NOW.date(),
    )  # fmt: skip
    contact.household.key = NUMBER
    contact.household.save()
    merged = contact_of(
        tenant, external_id=f"{NUMBER}-2", email=SECOND_EMAIL, phone="", state="merged", merged_into=contact,
        household=contact.household,
    )  # fmt: skip
    Assignment.objects.create(
        tenant=tenant, contact=contact, household_key=NUMBER, share=2000, arm="treated", drawn_at=NOW
    )
    job = factories.make_job(
        contact, NOW - timedelta(days=2), external_id=JOB, service=MARK, items=[{MARK: MARK}], location=MARK,
        attributes={MARK: MARK},
    )  # fmt: skip
    contact.stat.last_service = MARK
    contact.stat.job_count, contact.stat.last_job_at = 1, NOW - timedelta(days=213)
    contact.stat.save()
    for one in (contact, merged):
        record_consent(
            one, "email", "given", stated_at=NOW, source=MARK, now=NOW, actor=MARK, wording=MARK, evidence={"ip": MARK}
        )
    tag_contact(contact, MARK, now=NOW, source=MARK)
    suppress(tenant, channel="sms", contact=contact, reason="staff", source=MARK, now=NOW)
    Suppression.objects.for_tenant(tenant).update(lifted_at=NOW, lifted_by="user 1", lifted_note=MARK)
    _written_to(tenant, contact, job)
    _came_back(tenant, contact)
    _kept_beside(tenant, contact)
    return contact


def _written_to(tenant: Tenant, contact: Contact, job: Any) -> None:
    campaign = factories.make_campaign(tenant)
    episode = factories.make_episode(contact)
    enrolment = factories.make_enrolment(episode, campaign)
    opened = connect(tenant, kind="email", provider="local", label="Outbox", now=NOW, actor="test")
    verdict = {"guard": "consent", "version": 2, "allowed": True, "when": "claim", "facts": {"source": MARK}}
    sent = factories.make_message(
        enrolment, state="delivered", subject=MARK, verdicts=[verdict], connection=opened, provider_id=MARK,
        address_hmac=address_hmac(f"{MARK}.before@example.com"), error=MARK, content_sha256="0" * 64,
        handed_over_at=NOW - timedelta(days=20), cost_minor=3,
    )  # fmt: skip
    factories.make_message(enrolment, step="nudge", channel="email", state="planned", verdicts=[verdict])
    Touch.objects.create(
        tenant=tenant, household=contact.household, ordinal=1, message=sent, channel="email", touched_at=NOW,
        domain=f"{MARK}.example.com",
    )  # fmt: skip
    DomainRamp.objects.create(tenant=tenant, domain=f"{MARK}.example.com", day=NOW.date(), cap=50)
    RecipientDomain.objects.create(tenant=tenant, domain=f"{MARK}.example.com", takes_mail=True, asked_at=NOW)
    Reactivation.objects.create(
        tenant=tenant, enrolment=enrolment, campaign=campaign, episode=episode, contact=contact, job=job,
        arm="treated", amount_minor=12_000, currency="USD", assigned_at=enrolment.enrolled_at,
        reactivated_at=job.completed_at, recorded_at=NOW,
    )  # fmt: skip
    folder = outbox_directory(tenant, "email")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{reference_of(sent.pk)}.eml").write_text(f"To: {EMAIL}\n\n{MARK}")


def _came_back(tenant: Tenant, contact: Contact) -> None:
    sent = Message.objects.for_tenant(tenant).get(state="delivered")
    told = {"clicked": {"link": 1, "user_agent": MARK, "confidence": "person"}, "replied": {"text": MARK}}
    for kind, data in told.items():
        Interaction.objects.create(
            tenant=tenant, kind=kind, contact=contact, message=sent, dedupe_key=kind, occurred_at=NOW, data=data
        )
    BookingRequest.objects.create(
        tenant=tenant, contact=contact, message=sent, service=MARK, preferred_on=NOW.date(), preferred_time=MARK,
        name=MARK, phone="312-555-0188", email=SECOND_EMAIL, note=MARK, created_at=NOW,
    )  # fmt: skip
    report = Report(ReportKind.REPLIED, key="text-1", address=PHONE, text=f"Hello, {MARK}", occurred_at=NOW)
    receive_text(tenant, connection=None, report=report, now=NOW)
    # Their text has ended the sequence: it goes on, so that erasing has something to end.
    Enrolment.objects.for_tenant(tenant).update(state="active", ended_by="", ended_at=None)
    Message.objects.for_tenant(tenant).filter(state="cancelled").update(state="planned", reason="")
    conversation = Conversation.objects.for_tenant(tenant).get()
    answer = ThreadText.objects.create(
        tenant=tenant, conversation=conversation, kind="reply", key="answer", body=MARK, at=NOW, state="failed",
        error=MARK, provider_id=MARK,
    )  # fmt: skip
    texts = outbox_directory(tenant, "sms")
    texts.mkdir(parents=True, exist_ok=True)
    (texts / f"wr-{answer.pk}.json").write_text(json.dumps({"to": PHONE, "body": MARK}))
    connection = Connection.objects.for_tenant(tenant).get()
    for number, (state, body) in enumerate(
        (
            ("applied", f'[{{"email": "{EMAIL.upper()}", "text": "{MARK}"}}]'),
            ("ignored", f"From=%2B13125550199&Body={MARK}"),
            ("unreadable", f'[{{"email": "{EMAIL}"}}, {{"email": "other@example.com"}}]'),
        )
    ):
        InboxItem.objects.create(
            tenant=tenant, connection=connection, digest=f"{number:064}", body=body.encode(), query=f"to={EMAIL}",
            headers={"X-For": EMAIL}, detail=EMAIL, state=state, received_at=NOW, settled_at=NOW,
        )  # fmt: skip


def _kept_beside(tenant: Tenant, contact: Contact) -> None:
    wanted = endpoints.Wanted("https://hooks.example.com/", ["contact.erased"], "Their system")
    endpoint, _ = endpoints.create(tenant, wanted, now=NOW, actor="test")
    WebhookDelivery.objects.create(
        tenant=tenant, endpoint=endpoint, event_id=1, kind="customer.dormant", contact_id=contact.pk, occurred_at=NOW,
        data={"source": MARK}, next_try_at=NOW, state="given_up", excerpt=MARK, error=MARK, created_at=NOW,
    )  # fmt: skip
    IdempotentRequest.objects.create(
        tenant=tenant, key=f"merge {EMAIL}", fingerprint="0" * 64, status=200, body={"number": PHONE}, created_at=NOW
    )
    Task.objects.create(
        tenant=tenant, kind="test", title="A test", arguments={"to": EMAIL}, error=EMAIL, created_at=NOW, state="failed"
    )
    Task.objects.create(
        tenant=tenant, kind="import", title="A file", created_at=NOW, state="failed",
        arguments={"content": b64encode(f"email\n{EMAIL}".encode()).decode()},
    )  # fmt: skip
    ImportBatch.objects.create(
        tenant=tenant, kind="contacts", file_name=f"{EMAIL}.csv", sha256="0" * 64, state="failed", error=EMAIL,
        started_at=NOW,
    )  # fmt: skip
    folder = Path(settings.WINBACK_HOME) / "rejects" / tenant.slug
    folder.mkdir(parents=True, exist_ok=True)
    lines = ("line,reason,external_id,phone,name", f"2,bad,x,(312) 555-0199,{MARK}", f"3,bad,{NUMBER},,{MARK}",
             "4,bad,other,,Bo")  # fmt: skip
    (folder / "contacts-7.csv").write_text("\n".join(lines) + "\n")


def found_in_database(sought: tuple[str, ...] = SOUGHT) -> list[str]:
    """Every column of every table, bytes too, that holds one of these words."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name, data_type FROM information_schema.columns "
            "WHERE table_schema = current_schema() AND data_type IN "
            "('text', 'character varying', 'character', 'json', 'jsonb', 'bytea', 'ARRAY') "
            "ORDER BY table_name, column_name"
        )
        found = []
        for table, column, kind in cursor.fetchall():
            text = f"encode(\"{column}\", 'escape')" if kind == "bytea" else f'"{column}"::text'
            cursor.execute(
                f'SELECT count(*) FROM "{table}" WHERE EXISTS (SELECT FROM unnest(%s::text[]) w(word) '
                f"WHERE strpos(lower({text}), w.word) > 0)",
                [list(sought)],
            )
            if cursor.fetchone()[0]:
                found.append(f"{table}.{column}")
    return found


def found_in_files(tenant: Tenant, sought: tuple[str, ...] = SOUGHT) -> list[str]:
    """Every file of this tenant's that holds one of these words, or has it in its name."""
    found = []
    for folder in ("outbox", "rejects"):
        for path in sorted((Path(settings.WINBACK_HOME) / folder / tenant.slug).rglob("*")):
            if path.is_file() and any(word in (path.name + path.read_text()).lower() for word in sought):
                found.append(str(path.name))
    return found


def erase(contact: Contact, **fields: Any) -> Erasure:
    return erasing.erase(contact.tenant, [contact], now=factories.NOW, actor="user 1", **fields)
