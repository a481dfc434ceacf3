"""Ids for the outside: they lead back to their row, for their tenant and kind, and nothing else leads anywhere."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tenants.webhooks import opaque
from tenants.webhooks.opaque import NotAnId, make, read

kinds = st.sampled_from(sorted(opaque.PREFIXES))
tenants = st.integers(1, 2**40)
numbers = st.integers(0, 2**63 - 1)


@pytest.fixture(autouse=True)
def a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opaque, "installation_key", lambda purpose: b"\x07" * 32)


@given(kinds, tenants, numbers)
def test_an_id_leads_back_to_its_row(kind: str, tenant: int, number: int) -> None:
    assert read(kind, tenant, make(kind, tenant, number)) == number


@given(kinds, kinds, tenants, tenants, numbers)
def test_another_tenant_s_and_another_kind_s_lead_nowhere(
    kind: str, other_kind: str, tenant: int, other: int, number: int
) -> None:
    text = make(kind, tenant, number)
    if other != tenant:
        with pytest.raises(NotAnId):
            read(kind, other, text)
    assume(other_kind != kind)
    body = text.partition("_")[2]
    with pytest.raises(NotAnId):
        read(other_kind, tenant, f"{opaque.PREFIXES[other_kind]}_{body}")


@given(kinds, tenants, st.text(max_size=60))
def test_what_nobody_made_leads_nowhere(kind: str, tenant: int, text: str) -> None:
    for attempt in (text, f"{opaque.PREFIXES[kind]}_{text}", f"{opaque.PREFIXES[kind]}_{'a' * 26}"):
        with pytest.raises(NotAnId):
            read(kind, tenant, attempt)


@given(kinds, tenants, numbers, st.integers(0, 25), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
def test_one_changed_sign_leads_nowhere(kind: str, tenant: int, number: int, place: int, sign: str) -> None:
    text = make(kind, tenant, number)
    prefix, _, body = text.partition("_")
    changed = f"{prefix}_{body[:place]}{sign}{body[place + 1 :]}"
    assume(changed != text)

    with pytest.raises(NotAnId):
        read(kind, tenant, changed)


def test_neighbours_look_nothing_alike() -> None:
    ids = [make("contact", 1, number)[4:] for number in range(200)]

    assert len({text[:6] for text in ids}) > 190
