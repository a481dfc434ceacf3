"""The results in the developer API: the same numbers as the report's and the console's."""

from datetime import date
from typing import Annotated, Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Field, Query, Router, Schema

from campaigns.results.reporting import PeriodEndsBeforeItBegins, results
from tenants.access.middleware import key_of, require_scope
from winback.problems import Problem

router = Router(tags=["Results"])

_OR_INSUFFICIENT = 'Or `{"state": "insufficient_data", "have": n, "need": n}`.'


class Period(Schema):
    """The days of enrolment (null: no bound), and the moment of the report."""

    from_: str | None = Field(alias="from")
    to: str | None
    as_of: str


class Insufficient(Schema):
    """What the data cannot carry yet."""

    state: str
    have: int
    need: int


class ShareInterval(Schema):
    """An absolute share with its 95 % interval."""

    value: float
    low: float
    high: float


class MoneyInterval(Schema):
    """An amount with its 95 % interval."""

    value: str
    low: str
    high: str


class Window(Schema):
    """How many days after the first step count as coming back; null: each campaign has its own."""

    days: int | None


class Line(Schema):
    """The numbers of one campaign, or of all together."""

    window: Window
    episodes: int
    assigned_treated: int
    assigned_held_out: int
    matured_treated: int = Field(description="Their window has closed.")
    matured_held_out: int
    messages: dict[str, dict[str, int]] = Field(description="By channel and state.")
    clicks: dict[str, int] = Field(
        description="Messages whose link was clicked, by who seems to have done it: `person`, `doubtful`, `machine`."
    )
    reactivated_treated: int
    reactivated_held_out: int
    reactivated_matured_treated: int = Field(description="Of those whose window has closed.")
    reactivated_matured_held_out: int
    reactivation_rate: float | Insufficient = Field(description=f"Of matured treated ones. {_OR_INSUFFICIENT}")
    holdout_rate: float | Insufficient = Field(description=f"Of matured held-out ones. {_OR_INSUFFICIENT}")
    lift: ShareInterval | Insufficient = Field(description=_OR_INSUFFICIENT)
    revenue: str = Field(description="Of treated contacts that came back.")
    revenue_per_reactivation: str | Insufficient = Field(description=_OR_INSUFFICIENT)
    incremental_revenue: MoneyInterval | Insufficient = Field(description=_OR_INSUFFICIENT)
    cost: str
    cost_matured: str = Field(description="Of those whose window has closed: what `roi` counts.")
    roi: float | Insufficient = Field(description=_OR_INSUFFICIENT)
    currency: str
    other_revenue: dict[str, str] = Field(description="In other currencies; in no other number.")


class CampaignLine(Line):
    """The numbers of one campaign."""

    code: str
    name: str


class Results(Line):
    """The total, and each campaign."""

    period: Period
    campaigns: list[CampaignLine]


@router.get(
    "",
    summary="What came of it",
    description="Per campaign and in total: who came back, written to and held out alike, the lift with its 95 % "
    "interval, revenue, cost. Needs the scope `results:read`. The same numbers as `manage.py report` and the console.",
    response=Results,
    by_alias=True,
)
def read_results(
    request: HttpRequest,
    first: Annotated[
        date | None, Query(alias="from", description="The first day of enrolment, such as 2026-09-01.")
    ] = None,
    last: Annotated[date | None, Query(alias="to", description="The last day of enrolment, included.")] = None,
) -> dict[str, Any]:
    require_scope(request, "results:read")
    try:
        return results(key_of(request).tenant, now=timezone.now(), first=first, last=last)
    except PeriodEndsBeforeItBegins as error:
        raise Problem(422, "period_invalid", "`to` lies before `from`: exchange them.") from error
