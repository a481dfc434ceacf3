"""The evidence as a file that a browser or a program downloads."""

from collections.abc import Iterator
from datetime import datetime

from django.http import StreamingHttpResponse

from campaigns.audience.models import Contact
from campaigns.operating import evidence
from campaigns.planning.models import Campaign
from tenants.accounts.models import Tenant

_TYPES = {"jsonl": "application/x-ndjson", "csv": "text/csv; charset=utf-8"}


def download(
    tenant: Tenant,
    *,
    now: datetime,
    contact: Contact | None = None,
    campaign: Campaign | None = None,
    file_format: str = "csv",
) -> StreamingHttpResponse:
    """Streamed: a campaign may have many people."""
    about = f"contact-{contact.pk}" if contact is not None else f"campaign-{campaign.code if campaign else ''}"
    answer = StreamingHttpResponse(
        _bytes(evidence.written(evidence.lines(tenant, now=now, contact=contact, campaign=campaign), file_format)),
        content_type=_TYPES[file_format],
    )
    answer["Content-Disposition"] = f'attachment; filename="evidence-{about}-{now:%Y-%m-%d}.{file_format}"'
    answer["Cache-Control"] = "no-store"
    return answer


def _bytes(texts: Iterator[str]) -> Iterator[bytes]:
    for text in texts:
        yield text.encode()
