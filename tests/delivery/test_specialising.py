"""A template with what is known written into it says what the template says, to anybody."""

from datetime import timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from liquid import Environment
from liquid.builtin.content import ContentNode

from campaigns.delivery import rendering
from campaigns.delivery.specialising import specialised
from catalog.models import MessageTemplate
from tests import factories, words
from tests.words import NICHES, OFFER

PLAIN, ESCAPING = Environment(), Environment(autoescape=True)
KNOWN = {"business": {"name": "Oak & Sons", "phone": ""}, "niche": {"since": "your <last> visit"}, "offer": None}
PIECES = [
    "Hello ", "\n  ", "{{ business.name }}", "{{- business.name -}}", "{{ business.name | upcase }}", "{{ name }}",
    "{{ contact.first_name | default: business.name }}", "{% if business.phone != '' %}Call{% else %}Write{% endif %}",
    "{% if name == '' %}{{ niche.since }}{% else %}{{ name }}{% endif %}", "{% unless offer %}none{% endunless %}",
    "{% assign name = contact.first_name | strip %}", "{% assign business = contact %}", "{{ business.first_name }}",
    "{% capture niche %}{{ contact.first_name }}{% endcapture %}", "{{ niche }}", "{{ offer.summary }}",
    "{% increment turn %}", "{% cycle 'a', 'b' %}", "{% for letter in niche.since %}{{ letter }}{% endfor %}",
    "{% case business.name %}{% when 'Oak & Sons' %}oak{% else %}other{% endcase %}", "{{ turn }}", "{{ missing }}",
    "{% raw %}{{ business.name }}{% endraw %}", "{% comment %}{{ business.name }}{% endcomment %}",
    "{%- if niche.since -%} {% assign name = niche.since %} {%- endif -%}", "{{ business.name | append: name }}",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=12), st.sampled_from([PLAIN, ESCAPING]), st.text(max_size=8))
def test_any_template_says_the_same(pieces: list[str], environment: Environment, name: str) -> None:
    template = environment.from_string("".join(pieces))
    person = {"contact": {"first_name": name}}

    assert specialised(template, KNOWN).render(**KNOWN, **person) == template.render(**KNOWN, **person)


def test_what_is_known_is_worked_out_no_more() -> None:
    template = PLAIN.from_string("From {{ business.name }}{% if business.phone %}, call{% endif %}: hi {{ name }}!")

    places = specialised(template, KNOWN).nodes

    assert [isinstance(node, ContentNode) for node in places] == [True, False, True]
    assert str(places[0]) == "From Oak & Sons, call: hi "


@pytest.mark.django_db
def test_every_template_of_the_catalog_says_the_same(catalog: None) -> None:
    people = [{}, {"first_name": ""}, {"last_service": None, "last_completed_at": None}, {"brand_phone": ""}]
    for template, niche, offer, person in product(MessageTemplate.objects.all(), NICHES, ({}, OFFER), people):
        facts = words.facts_of(niche=niche, channel=template.channel, template_id=template.pk, **offer) | person
        context = rendering.context_of(facts, now=factories.NOW)
        known = {name: context[name] for name in ("business", "niche", "offer")}
        whole = rendering.compiled(template.pk)
        for part in (whole.subject, whole.html, whole.text):
            if part is not None:
                assert specialised(part, known).render(**context) == part.render(**context)


@pytest.mark.django_db
def test_a_new_name_or_offer_of_the_business_is_in_the_next_message(catalog: None) -> None:
    template = MessageTemplate.objects.get(code="winback_offer", channel="email")
    facts = words.facts_of(template_id=template.pk, **OFFER)
    rendering.render(facts, now=factories.NOW)

    changed = facts | {"brand_name": "Elm & Daughters", "expires_on": OFFER["expires_on"] - timedelta(days=1)}
    rendered = rendering.render(changed, now=factories.NOW)

    for part in (rendered.html, rendered.text):
        assert "December 30, 2026" in part
        assert "December 31" not in part
    assert "Elm & Daughters" in rendered.text
    assert "Oak & Sons." not in rendered.text
