"""The index of the rooms' consoles."""

from campaigns.audience import admin as audience
from campaigns.compliance import admin as compliance
from campaigns.operating import admin as operating
from campaigns.planning import admin as planning
from campaigns.results import admin as results
from campaigns.tracking import admin as tracking
from campaigns.tracking import inbox_page, thread_page

__all__ = ["audience", "compliance", "inbox_page", "operating", "planning", "results", "thread_page", "tracking"]
