"""What other systems may be told of contacts: their number there, and, where it is asked for, who they are."""

from collections.abc import Collection, Mapping

from campaigns.audience.models import Contact

FIELDS = ("external_id", "first_name", "last_name", "email", "phone")


def known_to(tenant_id: int, contact_ids: Collection[int]) -> Mapping[int, Mapping[str, str]]:
    """The named contacts by number; whoever has been erased is not among them. Inside the tenant's scope."""
    rows = Contact.objects.for_tenant(tenant_id).filter(pk__in=contact_ids).exclude(state=Contact.State.ERASED)
    return {
        number: {name: value or "" for name, value in zip(FIELDS, values, strict=True)}
        for number, *values in rows.values_list("pk", *FIELDS)
    }
