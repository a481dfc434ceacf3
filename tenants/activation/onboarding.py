"""A new tenant: its row, its first brand, its owner, and in a sandbox the local outbox for every channel."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.exceptions import ValidationError
from django.core.validators import validate_email, validate_slug

from catalog.models import Niche, Plan
from tenants.access.models import Membership, User
from tenants.accounts.models import Brand, Tenant
from tenants.connections.connecting import LOCAL, connect
from tenants.journal import audit
from tenants.journal.recording import record
from winback.tenancy import acting_for

SANDBOX_ADDRESS = "1 Sandbox Street (a made-up address), Springfield"
SANDBOX_CHANNELS = ("email", "sms")
# The currencies of the countries that a tenant is most likely in; elsewhere --currency says so.
CURRENCIES = {
    "US": "USD",
    "CA": "CAD",
    "GB": "GBP",
    "AU": "AUD",
    "NZ": "NZD",
    "CH": "CHF",
    "JP": "JPY",
    "IN": "INR",
    "SG": "SGD",
    "MX": "MXN",
    "BR": "BRL",
    "ZA": "ZAR",
    "SE": "SEK",
    "NO": "NOK",
    "DK": "DKK",
    "PL": "PLN",
    **dict.fromkeys(["AT", "BE", "DE", "ES", "FI", "FR", "GR", "IE", "IT", "LU", "NL", "PT", "SK", "SI", "EE"], "EUR"),
}


class TenantRefused(ValueError):
    """The tenant cannot be made like this; the message names what is wrong."""


@dataclass(frozen=True)
class NewTenant:
    """What was made. ``password`` is the owner's first one, shown once; empty where the owner was known already."""

    tenant: Tenant
    brand: Brand
    owner: User | None = None
    password: str = ""


def create_tenant(
    slug: str,
    *,
    name: str,
    niche: str,
    timezone: str,
    country: str,
    now: datetime,
    region: str = "",
    currency: str = "",
    plan: str = "",
    address: str = "",
    owner_email: str = "",
    sandbox: bool = False,
    actor: str = "command line",
) -> NewTenant:
    """Make a tenant. Raises TenantRefused with everything that is wrong with it."""
    country = country.upper()
    currency = (currency or CURRENCIES.get(country, "")).upper()
    plan = plan or ("scale" if sandbox else "starter")
    _check(slug, niche=niche, timezone=timezone, country=country, currency=currency, plan=plan, owner=owner_email)
    tenant = Tenant.objects.create(
        slug=slug,
        name=name,
        niche_id=niche,
        plan_id=plan,
        timezone=timezone,
        country=country,
        region=region.upper(),
        currency=currency,
        legal_name=name,
        postal_address=address or (SANDBOX_ADDRESS if sandbox else ""),
        sandbox=sandbox,
        created_at=now,
    )
    with acting_for(tenant.pk):
        brand: Brand = Brand.objects.create(
            tenant=tenant,
            name=name,
            legal_name=name,
            postal_address=tenant.postal_address,
            sender_name=name,
            sender_email=f"hello@{slug.replace('_', '-')}.example.com" if sandbox else "",
            sms_name=name[:40],
        )
        if sandbox:
            for kind in SANDBOX_CHANNELS:
                connect(tenant, kind=kind, provider=LOCAL, label="Local outbox (sandbox)", now=now, actor=actor)
        owner, password = _add_owner(tenant, owner_email, now=now) if owner_email else (None, "")
        audit.append(tenant.pk, actor=actor, action="tenant.created", now=now, subject=tenant, data={"plan": plan})
        record("tenant.created", tenant_id=tenant.pk, now=now, subject=tenant, data={"sandbox": sandbox})
    return NewTenant(tenant, brand, owner, password)


def _check(slug: str, *, niche: str, timezone: str, country: str, currency: str, plan: str, owner: str) -> None:
    wrong = []
    try:
        validate_slug(slug)
    except ValidationError:
        wrong.append(f"{slug!r} is no slug: use letters, digits, - and _")
    if len(slug) > 50:
        wrong.append("the slug has more than 50 characters")
    if Tenant.objects.filter(slug=slug).exists():
        wrong.append(f"there is a tenant {slug!r} already")
    if not Niche.objects.filter(code=niche).exists():
        known = ", ".join(Niche.objects.order_by("code").values_list("code", flat=True))
        wrong.append(f"there is no niche {niche!r}; there are: {known or 'none yet, run sync_catalog'}")
    if not Plan.objects.filter(code=plan).exists():
        known = ", ".join(Plan.objects.order_by("position", "code").values_list("code", flat=True))
        wrong.append(f"there is no plan {plan!r}; there are: {known or 'none yet, run sync_catalog'}")
    try:
        ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        wrong.append(f"{timezone!r} is no time zone: write it as America/Chicago")
    if len(country) != 2 or not country.isalpha():
        wrong.append(f"{country!r} is no country: write it as US")
    if len(currency) != 3 or not currency.isalpha():
        wrong.append("say the currency, such as --currency USD")
    if owner:
        try:
            validate_email(owner)
        except ValidationError:
            wrong.append(f"{owner!r} is no e-mail address")
    if wrong:
        raise TenantRefused("; ".join(wrong))


def _add_owner(tenant: Tenant, email: str, *, now: datetime) -> tuple[User, str]:
    """The owner's membership, and a user with a first password where there is none with this address."""
    email = email.strip().lower()
    user = User.objects.filter(email__iexact=email).first()
    password = ""
    if user is None:
        password = secrets.token_urlsafe(12)
        user = User.objects.create_user(username=email[:150], email=email, password=password)
        user.is_staff = True  # the console is the admin: what a person sees there follows from memberships
        user.save(update_fields=["is_staff"])
    Membership.objects.create(tenant=tenant, user=user, role=Membership.Role.OWNER, created_at=now)
    return user, password
