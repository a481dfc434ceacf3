"""The index of the rooms' consoles."""

from campaigns.audience import admin as audience
from campaigns.compliance import admin as compliance
from campaigns.operating import admin as operating
from campaigns.planning import admin as planning
from campaigns.results import admin as results
from campaigns.tracking import admin as tracking

__all__ = ["audience", "compliance", "operating", "planning", "results", "tracking"]
