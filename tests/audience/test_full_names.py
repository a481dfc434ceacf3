"""A full name in one column: told apart where that is sure, and else nobody is greeted by a part of it."""

import json
from pathlib import Path

import pytest

from campaigns.audience.full_names import told_apart
from tenants.accounts.models import Tenant
from tests.audience.importing import contact, counts, run, versions, written
from tests.factories import NOW


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("Ana Ruiz", "Ana", "Ruiz"),
        ("  Ana \u00a0 Ruiz ", "Ana", "Ruiz"),
        ("ANA RUIZ", "ANA", "RUIZ"),
        ("Ruiz, Ana", "Ana", "Ruiz"),
        ("Smith,John", "John", "Smith"),
        ("Smith, John Q.", "John Q.", "Smith"),
        ("Kim, Al", "Al", "Kim"),
        ("de la Cruz, María José", "María José", "de la Cruz"),
        ("Smith Jr., John", "John", "Smith Jr."),
        ("John Smith, Jr.", "John", "Smith, Jr."),
        ("Smith, John Jr.", "John", "Smith Jr."),
        ("Dr. Mary O'Neil", "Mary", "O'Neil"),
        ("Mr. John Smith", "John", "Smith"),
        ("Ann-Marie D’Angelo", "Ann-Marie", "D’Angelo"),
        ("Ludwig van Beethoven", "Ludwig", "van Beethoven"),
        ("Juan Carlos García López", "Juan", "Carlos García López"),
        ("Marie DUPONT", "Marie", "DUPONT"),
        ("Bo Li", "Bo", "Li"),
        ("Søren Aabye", "Søren", "Aabye"),
    ],
)
def test_a_name_of_one_person_is_told_apart(text: str, first: str, last: str) -> None:
    assert told_apart(text, country="US", on=NOW.date()) == (first, last, "", False)


@pytest.mark.parametrize(
    "text",
    [
        "Mr & Mrs Smith", "John and Jane Smith", "Smith, John & Jane", "John/Jane Smith", "Smith Family", "Mr Smith",
        "J. Smith", "J Smith", "J R Smith", "JR Smith", "J.R. Smith", "Smith, J.", "smith, j", "Smith", "Ana",
        "van der Berg", "DUPONT Marie", "Blue Ocean", "Green Valley Dental", "Joe's Diner", "St. Mary's Church",
        "The Coffee House", "Baker & Sons", "Happy Nails", "City of Portland", "Walk-in Customer", "Estate of Ann Lee",
        "John (Johnny) Doe", "John Smith 2", "C-1001", "ana@example.com", "李伟", "Иванов Иван", "Smith, Ann, Lee",
        "One Two Three Four Five", "{{ name }} Smith", "Herr Müller",
    ],
)  # fmt: skip
def test_what_may_be_anything_else_greets_nobody_and_stays_whole(text: str) -> None:
    assert told_apart(text, country="US", on=NOW.date()) == ("", text, "", True)


@pytest.mark.parametrize("text", ["Acme Plumbing LLC", "Acme, Inc.", "Ana Ruiz Ltd", "Müller GmbH"])
def test_a_company_is_one(text: str) -> None:
    assert told_apart(text, country="US", on=NOW.date()) == ("", "", text, False)


@pytest.mark.parametrize("text", ["", " ", "N/A", "unknown"])
def test_what_stands_for_no_name_is_none(text: str) -> None:
    assert told_apart(text, country="US", on=NOW.date()) == ("", "", "", False)


def test_where_the_family_comes_first_only_a_comma_tells_names_apart() -> None:
    assert told_apart("Nagy Anna", country="HU", on=NOW.date()).first == ""
    assert told_apart("Nagy, Anna", country="HU", on=NOW.date()).first == "Anna"


def test_a_file_may_give_full_names(tenant: Tenant, tmp_path: Path) -> None:
    path = written(
        tmp_path,
        'external_id,full_name,first_name,last_name,company\nc1,"Ruiz, Ana",,,\nc2,Acme LLC,,,\n'
        "c3,Mr & Mrs Lee,,,Lees\nc4,Bo Li,Robert,Li,\n",
    )

    answer = run("contacts", tenant, path)
    before = versions("campaigns_contact")
    again = run("contacts", tenant, path)

    found = [contact(tenant, each) for each in ("c1", "c2", "c3", "c4")]
    assert [(each.first_name, each.last_name, each.company) for each in found] == [
        ("Ana", "Ruiz", ""),
        ("", "", "Acme LLC"),
        ("", "Mr & Mrs Lee", "Lees"),
        ("Robert", "Li", ""),
    ]
    assert {key for each in found for key in each.attributes} == set()
    assert (counts(answer), counts(again)) == ((4, 0, 0, 0), (0, 0, 4, 0))
    assert versions("campaigns_contact") == before


def test_a_name_that_nobody_can_tell_apart_changes_none_that_is_known(tenant: Tenant, tmp_path: Path) -> None:
    run("contacts", tenant, written(tmp_path, "external_id,full_name\nc1,Ana Ruiz\nc2,Mr & Mrs Lee\n"))

    run("contacts", tenant, written(tmp_path, "external_id,full_name\nc1,Ruiz Family\nc2,Bo Lee\n", "later.csv"))

    assert (contact(tenant).first_name, contact(tenant).last_name) == ("Ana", "Ruiz")
    assert (contact(tenant, "c2").first_name, contact(tenant, "c2").last_name) == ("Bo", "Lee")


def test_a_mapping_takes_a_full_name(tenant: Tenant, tmp_path: Path) -> None:
    mapping = {"columns": {"external_id": "Client Name", "full_name": "Client Name"}}
    path = written(tmp_path, "Client Name;Phone\nRuiz, Ana;503 555 0142\n".encode("utf-8-sig"))

    run("contacts", tenant, path, mapping=written(tmp_path, json.dumps(mapping), "mapping.json"))

    assert (contact(tenant, "Ruiz, Ana").first_name, contact(tenant, "Ruiz, Ana").last_name) == ("Ana", "Ruiz")
