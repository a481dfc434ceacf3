"""The index of the rooms' consoles."""

from tenants.access import admin as access
from tenants.accounts import admin as accounts
from tenants.activation import admin as activation
from tenants.connections import admin as connections
from tenants.journal import admin as journal
from tenants.plans import admin as plans

__all__ = ["access", "accounts", "activation", "connections", "journal", "plans"]
