"""Until which day a person may be written to: one SQL expression, which the guards and every view of it ask alike.

A day is one of the recipient's own calendar. A permission of n months ends where the day of the same number begins, so
its last day is the one before; ``infinity`` is no end, ``-infinity`` no permission. docs/decisions/0006.

SQL for embedding. The pieces expect ``a`` (contact_id, channel, lapsed_from: the last business that counts), ``k`` (the
contact), and the parameters of campaigns.compliance.asking.
"""

ZONE = "CASE WHEN k.timezone = ANY(%(known_zones)s) THEN k.timezone ELSE %(zone)s END"
"""The recipient's zone, as far as this database knows zones; else the business's."""

DAY = f"""
  LEFT JOIN LATERAL (SELECT {ZONE} AS zone) own ON true
  LEFT JOIN LATERAL (
        SELECT (%(now)s AT TIME ZONE own.zone)::date AS today,
               (a.lapsed_from AT TIME ZONE own.zone)::date AS business) day ON true"""

# A consent stated after now does not exist yet; a withdrawal counts from the morning of its day: a file gives a day
# alone, which is read as its noon.
CONSENT = """
  LEFT JOIN LATERAL (
        SELECT c.id, c.state, c.source, c.wording, c.stated_at
          FROM campaigns_consent c
         WHERE c.tenant_id = %(tenant)s AND c.contact_id = a.contact_id AND c.channel = a.channel
           AND c.purpose = 'marketing' AND c.state IN ('given', 'withdrawn')
           AND (c.stated_at IS NULL OR c.stated_at <= %(now)s
                OR (c.state = 'withdrawn' AND (c.stated_at AT TIME ZONE %(zone)s)::date <= %(today)s))
         ORDER BY c.id DESC LIMIT 1) consent ON true"""

RULE = """
  LEFT JOIN LATERAL (
        SELECT r.code, r.basis, r.months, r.inquiry_months, r.soft_months
          FROM unnest(%(rule_codes)s::text[], %(rule_channels)s::text[], %(rule_countries)s::text[],
                      %(rule_bases)s::text[], %(rule_months)s::int[], %(rule_inquiries)s::int[], %(rule_softs)s::int[])
               WITH ORDINALITY AS r(code, channel, countries, basis, months, inquiry_months, soft_months, place)
         WHERE r.channel = a.channel AND (r.countries = '' OR k.country = ANY(string_to_array(r.countries, ',')))
         ORDER BY r.place LIMIT 1) rule ON true"""
"""The rule of the place: of ``a`` its channel alone, of ``k`` its country."""

# Grounds are looked up only where the rule of the place knows them.
GROUND = """
  LEFT JOIN LATERAL (
        SELECT max(c.stated_at) FILTER (WHERE c.state = 'inquired') AS inquired_at,
               bool_or(c.state = 'soft_opt_in') AS soft
          FROM campaigns_consent c
         WHERE (rule.inquiry_months IS NOT NULL OR rule.soft_months IS NOT NULL)
           AND c.tenant_id = %(tenant)s AND c.contact_id = a.contact_id AND c.channel = a.channel
           AND c.purpose = 'marketing' AND c.state IN ('inquired', 'soft_opt_in')
           AND c.stated_at <= %(now)s) ground ON true
"""

JOINS = f"{DAY}{CONSENT}{RULE}{GROUND}"

PROVEN = "(consent.stated_at IS NOT NULL AND consent.source <> '' AND consent.wording <> '')"


def _last_day(start: str, months: str) -> str:
    """The last day of so many months from a day; no day where either is not known."""
    return f"({start} + make_interval(months => {months}))::date - 1"


# greatest() passes over what is null.
PERMITTED_UNTIL = f"""
CASE WHEN consent.state = 'withdrawn' THEN '-infinity'::date
     WHEN consent.state = 'given' AND a.channel = 'sms' AND NOT {PROVEN} THEN '-infinity'
     WHEN consent.state = 'given' OR rule.basis = 'opt_out' THEN 'infinity'
     ELSE greatest('-infinity',
                   CASE WHEN rule.basis = 'implied' THEN {_last_day("day.business", "rule.months")} END,
                   {_last_day("(ground.inquired_at AT TIME ZONE own.zone)::date", "rule.inquiry_months")},
                   CASE WHEN ground.soft THEN {_last_day("day.business", "rule.soft_months")} END)
     END"""
"""By consent and law."""

SPOKEN_UNTIL = f"coalesce({_last_day('day.business', '%(silence_months)s::int')}, 'infinity'::date)"
"""By the module's limit of silence."""
