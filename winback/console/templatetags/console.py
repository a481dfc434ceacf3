"""Template tags and filters of the console: docs/console.md lists them with one line of use each."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django import template
from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.template.context import RequestContext
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe

from winback.console import admin_base, formatting
from winback.console.branding import brand_stylesheet_url
from winback.console.charts import Sparkline
from winback.console.components import Attention, Check, EmptyState, Kpi, Panel, TimelineEntry

register = template.Library()

TONES = {
    "good": "delivered running active activated won reactivated ok ready completed handed_over business"
    " booking done confirmed clicked replied booked arrived",
    "warn": "paused postponed deferred degraded dormant blocked unknown pending suspended exhausted stale",
    "bad": "failed bounced complained suppressed missing error unreadable erased revoked opt_out do_not_contact",
    "info": "planned claimed handing_over scheduled open opened enrolled",
}
_TONE_OF = {word: tone for tone, words in TONES.items() for word in words.split()}


# -- small pieces ----------------------------------------------------------------------------------------------------


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """``{% icon "person" %}``: decoration, unless a label is given."""
    named = format_html('role="img" aria-label="{}"', label) if label else mark_safe('aria-hidden="true"')
    return format_html('<svg class="wb-icon" {}><use href="{}#{}"/></svg>', named, static("console/icons.svg"), name)


@register.simple_tag
def pill(word: Any, tone: str = "") -> SafeString:
    """``{% pill message.state %}`` or ``{% pill "Broken" "bad" %}``: a colour, and always the word."""
    text = str(word)
    code = text.lower().replace(" ", "_")
    chosen = tone or _TONE_OF.get(code) or _TONE_OF.get(code.partition("_")[0], "plain")
    return format_html('<span class="wb-pill wb-{}">{}</span>', chosen, text.replace("_", " ").capitalize())


@register.simple_tag
def progress(done: float, total: float, label: str = "") -> SafeString:
    """``{% progress task.done task.total "Import of jobs.csv" %}``"""
    done, total = float(done or 0), float(total or 0)
    part = f"{formatting.percent(min(done / total, 1), 0)}" if total else "…"
    said = f"{part} · {formatting.number(done)} of {formatting.number(total)}" if total else "waiting"
    head = format_html("<span>{}</span>", label) if label else ""
    return format_html(
        '<div class="wb-progress"><div class="wb-progress-text">{}<span class="wb-quiet">{}</span></div>'
        '<progress max="{}" value="{}" aria-label="{}">{}</progress></div>',
        head,
        said,
        total or 1,
        done,
        label or "Progress",
        part,
    )


@register.simple_tag
def definitions(pairs: Mapping[str, Any] | Sequence[tuple[str, Any]]) -> SafeString:
    """``{% definitions facts %}``: a mapping or pairs of term and value; an empty value reads “–”."""
    listed = pairs.items() if isinstance(pairs, Mapping) else pairs
    return SafeString(render_to_string("console/parts/definitions.html", {"pairs": list(listed)}))


@register.simple_tag(takes_context=True)
def button_form(
    context: RequestContext, url: str, label: str, tone: str = "", name: str = "", value: str = "", icon: str = ""
) -> SafeString:
    """``{% button_form pause_url "Pause" "danger" %}``: a POST with its CSRF token; tones primary, danger, quiet."""
    fields = {"url": url, "label": label, "tone": tone, "name": name, "value": value, "icon": icon}
    return SafeString(render_to_string("console/parts/button_form.html", fields, request=context.get("request")))


@register.simple_tag
def moment(value: datetime | None, zone: Any = "UTC") -> SafeString:
    """``{% moment message.due_at tenant.timezone %}``: in the clock of the zone, the exact time for machines."""
    if value is None:
        return mark_safe("–")
    return format_html('<time datetime="{}">{}</time>', value.isoformat(), formatting.moment(value, zone))


# -- parts that are drawn from a value of components.py --------------------------------------------------------------


@register.simple_tag
def chart(drawn: Any) -> SafeString:
    """``{% chart funnel %}``: any chart of winback.console.charts."""
    return SafeString(render_to_string(drawn.template, {"chart": drawn, **drawn.drawing()}))


@register.simple_tag
def sparkline(values: Sequence[float], title: str = "Trend") -> SafeString:
    """``{% sparkline weekly "Won back a week" %}``"""
    return chart(Sparkline(title, values)) if len(values) > 1 else SafeString("")


@register.inclusion_tag("console/parts/kpi.html")
def kpi(value: Kpi) -> dict[str, Any]:
    """``{% kpi card %}``: a Kpi, with what is missing when the data cannot carry the number."""
    return {"kpi": value}


@register.inclusion_tag("console/parts/attention.html")
def attention_list(items: Sequence[Attention], limit: int = 7) -> dict[str, Any]:
    """``{% attention_list attention %}``: seven, the rest behind “Show all”."""
    return {"first": items[:limit], "rest": items[limit:]}


@register.inclusion_tag("console/parts/checks.html")
def check_list(checks: Sequence[Check]) -> dict[str, Any]:
    """``{% check_list checks %}``"""
    return {"checks": checks}


@register.inclusion_tag("console/parts/timeline.html")
def timeline(entries: Sequence[TimelineEntry], zone: Any = "UTC") -> dict[str, Any]:
    """``{% timeline entries tenant.timezone %}``"""
    return {"entries": entries, "zone": zone}


@register.inclusion_tag("console/parts/empty.html")
def empty_state(state: EmptyState) -> dict[str, Any]:
    """``{% empty_state empty %}``"""
    return {"empty": state}


@register.inclusion_tag("console/parts/panel.html", takes_context=True)
def panel(context: RequestContext, value: Panel) -> dict[str, Any]:
    """``{% panel one %}``: a titled box with a chart or a template."""
    body = SafeString("")
    if value.chart is not None:
        body = chart(value.chart)
    elif value.template:
        body = SafeString(render_to_string(value.template, dict(value.context or {}), request=context.get("request")))
    return {"panel": value, "body": body}


# -- filters ---------------------------------------------------------------------------------------------------------


@register.filter
def money(minor: int | None, currency: str) -> str:
    """``{{ job.amount_minor|money:job.currency }}``"""
    return "–" if minor is None else formatting.money(minor, currency)


@register.filter
def short_money(minor: int | None, currency: str) -> str:
    return "–" if minor is None else formatting.short_money(minor, currency)


@register.filter
def number(value: float | None) -> str:
    """``{{ count|number }}``: 12,480."""
    return "–" if value is None else formatting.number(value)


@register.filter
def percent(share: float | None) -> str:
    """``{{ rate|percent }}``: a share of 0.021 reads 2.1%."""
    return "–" if share is None else formatting.percent(share)


@register.filter
def in_zone(value: datetime | None, zone: Any) -> str:
    """``{{ at|in_zone:tenant.timezone }}``: plain text; the tag ``moment`` adds the exact time."""
    return "–" if value is None else formatting.moment(value, zone)


@register.filter
def day(value: date | datetime | None) -> str:
    if value is None:
        return "–"
    return formatting.day(value.date() if isinstance(value, datetime) else value)


@register.filter
def plain_words(code: Any) -> str:
    """``{{ message.reason|plain_words }}``: a code as words."""
    return formatting.words(code)


@register.filter
def as_json(value: Any) -> str:
    """For ``<pre>``: sorted, indented, escaped like any other text."""
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, default=str)


@register.filter
def undo_url(tags: str | None) -> str:
    """Where a message's ``extra_tags="undo=/console/…"`` leads."""
    return (tags or "").partition("undo=")[2].split(" ")[0]


# -- the frame's own -------------------------------------------------------------------------------------------------


@register.simple_tag
def brand_stylesheet(colour: str | None) -> SafeString:
    """``{% brand_stylesheet brand.colour %}``: the link to the sheet with a brand's colours."""
    url = brand_stylesheet_url(colour or "")
    return format_html('<link rel="stylesheet" href="{}">', url) if url else SafeString("")


@register.simple_tag
def labelled_cells(cells: Sequence[str], headers: Sequence[Mapping[str, Any]]) -> SafeString:
    """The cells of a change list's row, each with its column's name for the phone, where a row is a card."""
    labelled = []
    for index, cell in enumerate(cells):
        header = headers[index] if index < len(headers) else {}
        text = str(header.get("text", ""))
        if "<" not in text and cell.startswith(("<td", "<th")):
            name = conditional_escape(text[:1].upper() + text[1:])
            cell = f'{cell[:3]} data-label="{name}"{cell[3:]}'
        labelled.append(cell)
    return mark_safe("".join(labelled))  # Django's own cells: escaped when they were made


@register.simple_tag
def result_count(change_list: ChangeList) -> str:
    return admin_base.result_count_text(change_list)


@register.filter
def is_bounded(change_list: ChangeList) -> bool:
    """Whether the list is longer than is counted."""
    return bool(getattr(change_list.paginator, "bounded", False))


@register.filter
def console_title(opts: Any) -> str:
    """``{{ opts|console_title }}``: how the console calls the rows of a model, as their list and the sidebar do."""
    return admin_base.title_of(admin.site.get_model_admin(opts.model))


@register.simple_tag(takes_context=True)
def current_section(context: RequestContext) -> str:
    """The section of the sidebar that this page stands in."""
    for section in context.get("available_apps") or ():
        if section.get("current"):
            return str(section["name"])
    return ""
