"""Whether a person or a machine opened or clicked: kept as a judgement beside the fact, made anew when more is known.

Mailboxes fetch every picture, and scanners follow every link, within seconds of delivery. Opens are never used to
decide anything; of clicks only those that a person seems to have made count as engagement.
"""

import re
from urllib.parse import urlsplit

from winback.providers.receiving import Report

_SCANNERS = re.compile(
    r"barracuda|proofpoint|mimecast|safelinks|microsoft office|ms-office|slackbot|bot\b|crawler|spider|preview"
    r"|headless|python-requests|curl/|wget/|go-http-client|java/|okhttp|symantec|messagelabs|trendmicro|fireeye"
    r"|cisco|ironport|sophos|forcepoint|zscaler|googleimageproxy|yahoomailproxy|googleother|urldefense",
    re.IGNORECASE,
)
_PROXIES = re.compile(r"googleimageproxy|yahoomailproxy", re.IGNORECASE)

# A click within seconds of delivery together with a second link, or by an agent that says so, or one that the provider
# takes for a machine's: a machine's. Alone within seconds: doubtful. Judged over all clicks of the message each time
# that one of them, or the delivery, becomes known, so that their order does not matter.
# (“kind || ''” keeps the planner to the index by message, whatever it believes of a table that was filled just now.)
_JUDGED = """
), click AS (
    SELECT c.id, c.data, c.occurred_at < d.at + interval '10 seconds' AS quick,
           count(*) FILTER (WHERE c.occurred_at < d.at + interval '10 seconds') OVER (PARTITION BY t.message_id) AS many
      FROM touched t
      JOIN campaigns_message m ON m.tenant_id = %(tenant)s AND m.id = t.message_id
      CROSS JOIN LATERAL (
            SELECT coalesce(min(i.occurred_at), m.handed_over_at) AS at FROM campaigns_interaction i
             WHERE i.tenant_id = %(tenant)s AND i.message_id = t.message_id AND i.kind || '' = 'delivered') d
      CROSS JOIN LATERAL (
            SELECT i.id, i.data, i.occurred_at FROM campaigns_interaction i
             WHERE i.tenant_id = %(tenant)s AND i.message_id = t.message_id AND i.kind || '' = 'clicked' OFFSET 0) c
), judged AS (
    SELECT id, CASE WHEN data -> 'machine' = 'true' OR data -> 'known_agent' = 'true' OR (quick AND many > 1)
                    THEN 'machine' WHEN quick THEN 'doubtful' ELSE 'person' END AS confidence
      FROM click
)
UPDATE campaigns_interaction i SET data = i.data || jsonb_build_object('confidence', j.confidence)
  FROM judged j
 WHERE i.tenant_id = %(tenant)s AND i.id = j.id AND i.data ->> 'confidence' IS DISTINCT FROM j.confidence
"""
JUDGE_CLICKS = f"""
WITH touched AS MATERIALIZED (
    SELECT DISTINCT x.message_id FROM matched x
     WHERE x.message_id IS NOT NULL AND x.fresh
       AND (x.kind = 'clicked' OR (x.kind = 'delivered' AND EXISTS (
               SELECT FROM campaigns_interaction i
                WHERE i.tenant_id = %(tenant)s AND i.message_id = x.message_id AND i.kind || '' = 'clicked' OFFSET 0)))
{_JUDGED}"""
# The same for one message: a click on a link of our own.
JUDGE_CLICKS_OF_ONE = f"WITH touched AS (SELECT %(message)s::bigint AS message_id {_JUDGED}"


# Apple fetches every picture of every e-mail, with an agent that names nobody.
_APPLE = "Mozilla/5.0"


def of_fetch(user_agent: str) -> str:
    """Who fetched our own picture, as far as can be told."""
    if user_agent.strip() in ("", _APPLE) or (is_known_scanner(user_agent) and not _PROXIES.search(user_agent)):
        return "machine"
    return "doubtful" if _PROXIES.search(user_agent) else "person"


def is_known_scanner(user_agent: str) -> bool:
    return _SCANNERS.search(user_agent) is not None


def of_open(report: Report) -> str:
    """``machine`` where anybody says so; else ``doubtful``: a proxy opens for people and for itself alike."""
    if report.machine:
        return "machine"
    if report.machine is None or _PROXIES.search(report.user_agent):
        return "doubtful"
    return "machine" if is_known_scanner(report.user_agent) else "person"


def without_token(url: str, ours: str) -> str:
    """The link as it may be kept: of our own pages only which one, for the rest of the address opens it."""
    if url.startswith(ours):
        page = urlsplit(url).path.split("/")[1:2]
        return f"/{page[0]}/…" if page else "/"
    return url[:500]
