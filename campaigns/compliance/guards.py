"""May this person be written to over this channel? Each guard is one SQL expression, asked of many in one statement.

The same expressions are asked when a step is planned, in the statement that claims a message, and when staff ask why.
The first guard that refuses gives the reason; all of them leave their facts as evidence. What is judged on the rendered
words stands in content.py, the hours in quiet_hours.py, the caps in caps.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from campaigns.audience.business import jobs_since
from campaigns.compliance import sunset
from campaigns.compliance.lawful_until import JOINS, PERMITTED_UNTIL, SPOKEN_UNTIL

EMAIL, SMS = "email", "sms"


@dataclass(frozen=True)
class Guard:
    """One question about a person and a channel: ``refuses``, ``reason`` and facts are SQL over FACTS."""

    code: str
    version: int
    refuses: str
    reason: str
    refused_by: str = "'{}'::jsonb"
    """The facts of a no: of a yes there is nothing to tell."""
    facts: str = ""
    """Those of either answer."""
    channels: tuple[str, ...] = (EMAIL, SMS)


_AND = " || ', ' || "

GUARDS: tuple[Guard, ...] = (
    Guard("contact_active", 1, "f.contact_state <> 'active'", "'contact_' || f.contact_state"),
    Guard(
        "came_back",
        1,
        "f.business_at IS NOT NULL",
        "'came_back'",
        "jsonb_strip_nulls(jsonb_build_object('job_at', f.business_at))",
    ),
    Guard("booked", 1, "f.booked", "'booked'"),
    Guard(
        "do_not_contact",
        1,
        "f.forbidding_tag IS NOT NULL",
        "'do_not_contact'",
        "jsonb_strip_nulls(jsonb_build_object('tag', f.forbidding_tag))",
    ),
    Guard(
        "suppression",
        1,
        "f.suppressed_by IS NOT NULL",
        "'suppressed'",
        "jsonb_strip_nulls(jsonb_build_object('why', f.suppressed_by, 'suppression', f.suppression_id))",
    ),
    Guard("channel_on", 1, "NOT (f.channel = ANY(%(channels)s))", "f.channel || '_off'"),
    Guard("address", 1, "NOT f.has_address", "CASE f.channel WHEN 'email' THEN 'no_email' ELSE 'no_phone' END"),
    Guard(
        "recipient_domain",
        1,
        "f.domain_refuses IS NOT NULL",
        "'domain_takes_no_mail'",
        "jsonb_strip_nulls(jsonb_build_object('why', f.domain_refuses, 'checked_at', f.domain_checked_at))",
    ),
    Guard(
        "address_kind",
        1,
        "f.address_kind IS NOT NULL",
        "f.address_kind || '_address'",
        "jsonb_strip_nulls(jsonb_build_object("
        "'lists', CASE WHEN f.address_kind IS NOT NULL THEN %(address_lists)s::jsonb END))",
    ),
    Guard(
        "consent",
        2,
        "f.permitted_until < f.local_day",
        "CASE WHEN f.consent_state = 'withdrawn' THEN f.channel || '_consent_withdrawn' "
        "WHEN f.consent_state IS NOT NULL THEN 'sms_consent_unproven' "
        "WHEN isfinite(f.permitted_until) THEN 'implied_consent_expired' ELSE 'no_' || f.channel || '_consent' END",
        facts="jsonb_strip_nulls(jsonb_build_object('basis', f.basis, 'rule', f.basis_rule, 'state', f.consent_state, "
        "'stated_at', f.consent_at, 'source', nullif(f.consent_source, ''), 'consent', f.consent_id, "
        "'lawful_until', CASE WHEN isfinite(f.permitted_until) THEN f.permitted_until END))",
    ),
    Guard(
        "silence",
        2,
        "f.spoken_until < f.local_day",
        "'silent_too_long'",
        facts="jsonb_strip_nulls(jsonb_build_object('last_job_at', f.lapsed_from, 'months', %(silence_months)s::int, "
        "'lawful_until', CASE WHEN isfinite(f.spoken_until) THEN f.spoken_until END))",
    ),
    Guard("sunset", 1, sunset.REFUSES, "'sunset'", facts=sunset.FACTS),
)

CUSTOMER_CAME_FIRST = ("came_back", "booked")
"""Reasons for which a message is cancelled rather than blocked: nothing is wrong, it is not needed any more."""

ADDRESS = "CASE a.channel WHEN 'email' THEN k.email_key ELSE k.phone_key END"

# What forbids (a suppression, a tag) counts whenever it was recorded, so that a replay is no way around it
# (docs/decisions/0005-as-of.md).
FORBIDDING = """  LEFT JOIN LATERAL (
        SELECT t.name
          FROM campaigns_contacttag t
         WHERE t.tenant_id = %(tenant)s AND t.contact_id = a.contact_id AND t.name = ANY(%(forbidding_tags)s)
           AND (t.expires_at IS NULL OR t.expires_at > %(now)s)
         ORDER BY t.name LIMIT 1) tag ON true
"""

SUPPRESSED = """  LEFT JOIN LATERAL (
        SELECT x.id, x.reason
          FROM campaigns_suppression x
         WHERE x.tenant_id = %(tenant)s AND x.lifted_at IS NULL AND x.address_hmac IN (k.email_hmac, k.phone_hmac)
           AND x.channel IN (a.channel, 'all') AND (x.brand_id IS NULL OR x.brand_id = a.brand_id)
         ORDER BY x.id LIMIT 1) own_sup ON true
  LEFT JOIN LATERAL (
        SELECT x.id, x.reason
          FROM campaigns_platformsuppression x
         WHERE x.lifted_at IS NULL AND x.address_hmac IN (k.email_hmac, k.phone_hmac)
           AND x.channel IN (a.channel, 'all')
         ORDER BY x.id LIMIT 1) platform ON true
"""

# The facts that the guards ask about, for each row of a relation ``asked (ref, place, contact_id, channel, brand_id,
# lapsed_from)``.
FACTS = f"""
SELECT a.ref, a.place, a.channel, a.contact_id, a.lapsed_from,
       k.state AS contact_state, k.country, k.region, k.timezones, k.household_id, k.email_key, k.phone_key,
       {ADDRESS} IS NOT NULL AS has_address,
       CASE WHEN a.channel <> 'email' THEN NULL
            WHEN split_part(k.email_key, '@', 2) = ANY(%(disposable_domains)s) THEN 'disposable'
            WHEN split_part(k.email_key, '@', 1) = ANY(%(role_accounts)s) AND consent.state IS DISTINCT FROM 'given'
            THEN 'role' END AS address_kind,
       refusing.why AS domain_refuses, refusing.checked_at AS domain_checked_at,
       newer.at AS business_at,
       coalesce(s.scheduled_at > %(now)s, false) AS booked,
       tag.name AS forbidding_tag,
       coalesce(own_sup.reason, CASE WHEN platform.id IS NOT NULL THEN 'platform' END) AS suppressed_by,
       own_sup.id AS suppression_id,
       coalesce(rule.basis, 'given') AS basis, rule.code AS basis_rule,
       consent.id AS consent_id, consent.state AS consent_state, consent.source AS consent_source,
       consent.stated_at AS consent_at,
       unanswered.number AS unanswered, unanswered.since AS unanswered_since,
       day.today AS local_day, {PERMITTED_UNTIL} AS permitted_until, {SPOKEN_UNTIL} AS spoken_until
  FROM asked a
  JOIN campaigns_contact k ON k.tenant_id = %(tenant)s AND k.id = a.contact_id
  LEFT JOIN campaigns_recipientdomain refusing ON refusing.tenant_id = %(tenant)s AND a.channel = 'email'
       AND refusing.domain = split_part(k.email_key, '@', 2) AND NOT refusing.takes_mail
  LEFT JOIN campaigns_contactstat s ON s.tenant_id = %(tenant)s AND s.contact_id = a.contact_id
  LEFT JOIN LATERAL (
        SELECT max(j.completed_at) AS at {jobs_since("a.lapsed_from", "a.contact_id")}) newer ON true
{FORBIDDING}{SUPPRESSED}{sunset.UNANSWERED}{JOINS}"""


def _head(guard: Guard, stage: str) -> str:
    """SQL of the beginning of a verdict, JSON text that PostgreSQL puts together once a statement."""
    known = f"""{{"guard": "{guard.code}", "version": {guard.version}, "when": "{stage}", "at": "'"""
    return f"""('{known} || %(at)s || '", "channel": "')"""


def _verdict(guard: Guard, stage: str) -> str:
    """SQL of the evidence of one guard about the row ``f``, as JSON text, so that all of it is read in one go."""
    no = f"""'false, "reason": ' || to_json(({guard.reason})::text)"""
    return (
        f"""{_head(guard, stage)} || f.channel || '", "allowed": ' || CASE WHEN {guard.refuses} THEN {no} """
        f"""ELSE 'true' END || ', "facts": ' || ({guard.facts or guard.refused_by})::text || '}}'"""
    )


def _verdicts(guards: Sequence[Guard], stage: str) -> str:
    """SQL of the evidence of these guards. That of several who allow, and have no facts, is the same for everybody."""
    pieces: list[str] = []
    for with_facts, run in groupby(guards, key=lambda guard: bool(guard.facts)):
        several = list(run)
        each = _AND.join(_verdict(guard, stage) for guard in several)
        if not with_facts:
            refused = " OR ".join(f"({guard.refuses})" for guard in several)
            alike = ""
            for channel in (EMAIL, SMS):
                end = f"""'{channel}", "allowed": true, "facts": {{}}}}'"""
                allowed = _AND.join(f"{_head(guard, stage)} || {end}" for guard in several)
                alike += f" WHEN f.channel = '{channel}' THEN {allowed}"
            each = f"CASE WHEN {refused} THEN {each}{alike} ELSE {each} END"
        pieces.append(each)
    return _AND.join(pieces)


def judged(stage: str, guards: Sequence[Guard] = GUARDS) -> str:
    """SQL of a relation over ``asked``: the facts that go on, ``refusal`` (null: allowed), ``verdicts`` (JSON text).

    ``stage`` is ``plan``, ``claim`` or ``ask``: it stands in the evidence.
    """
    refusal = " ".join(f"WHEN {guard.refuses} THEN {guard.reason}" for guard in guards)
    return f"""
SELECT f.ref, f.place, f.channel, f.contact_id, f.household_id, f.country, f.region, f.timezones, f.email_key,
       f.phone_key, CASE {refusal} END AS refusal, '[' || {_verdicts(guards, stage)} || ']' AS verdicts
  FROM ({FACTS}) f
"""
