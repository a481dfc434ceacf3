"""The row-level-security door: which tenants the running code acts for (docs/decisions, isolation).

A scope is opened around a short piece of work by ``acting_for`` or ``acting_for_all``; PostgreSQL then shows only the
rows of those tenants, and the statement guard below raises when a protected table is named with no scope open. Plain
ids only: nothing here knows a model.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from typing import Any
from weakref import WeakKeyDictionary

from django.apps import apps
from django.db import OperationalError, connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.backends.utils import CursorWrapper


class NoTenantScope(RuntimeError):
    """A tenant's table was named while no scope was open: open one with acting_for(tenant_id)."""


class OutsideTenantScope(RuntimeError):
    """Work for one tenant asked for the rows of another."""


@dataclass(frozen=True)
class Scope:
    """The tenants that the running code acts for; ``tenant_ids`` None means every tenant, for the stated reason."""

    tenant_ids: frozenset[int] | None
    reason: str = ""

    def holds(self, tenant_id: int) -> bool:
        return self.tenant_ids is None or tenant_id in self.tenant_ids

    def narrowed_to(self, tenant_ids: frozenset[int]) -> "Scope":
        if self.tenant_ids is not None and not tenant_ids <= self.tenant_ids:
            raise OutsideTenantScope(f"Scope {sorted(self.tenant_ids)} cannot be widened to {sorted(tenant_ids)}.")
        return Scope(tenant_ids)


_PARAMETER = re.compile(r"%\((\w+)\)s")

_current: ContextVar[Scope | None] = ContextVar("winback_tenant_scope", default=None)


def current_scope() -> Scope | None:
    return _current.get()


def require_scope_for(tenant_id: int) -> None:
    """Raise unless the open scope holds this tenant."""
    scope = _current.get()
    if scope is None:
        raise NoTenantScope("No tenant scope is open: wrap the work in acting_for(tenant_id).")
    if not scope.holds(tenant_id):
        raise OutsideTenantScope(f"Tenant {tenant_id} is outside the open scope.")


def _apply(scope: Scope | None) -> None:
    every = "on" if scope is not None and scope.tenant_ids is None else "off"
    ids = ",".join(map(str, sorted(scope.tenant_ids))) if scope is not None and scope.tenant_ids else ""
    with connection.cursor() as cursor:
        # Transaction-local on purpose: a session setting would leak through pooled connections.
        cursor.execute(
            "SELECT set_config('winback.tenants', %s, true), set_config('winback.every', %s, true)", [ids, every]
        )


@contextmanager
def _acting(scope: Scope) -> Iterator[None]:
    outer = _current.get()
    inside = connection.in_atomic_block
    with transaction.atomic():
        _apply(scope)
        token = _current.set(scope)
        try:
            yield
        finally:
            _current.reset(token)
        # Reached on success only: an error rolls the settings back with the transaction or savepoint. A savepoint
        # that is released would keep the inner scope, so the outer one is set again; a transaction that ends has none.
        if inside and not connection.needs_rollback:
            _apply(outer)


@contextmanager
def acting_for(*tenant_ids: int) -> Iterator[None]:
    """One transaction in which only the rows of these tenants exist. Nesting only narrows."""
    wanted = frozenset(tenant_ids)
    outer = _current.get()
    with _acting(outer.narrowed_to(wanted) if outer is not None else Scope(wanted)):
        yield


def one_statement(tenant_id: int, sql: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """The rows of one statement for one tenant, sent with its scope in one round trip that is its own transaction.

    For the few doors at which thousands knock: elsewhere ``acting_for`` says more clearly what belongs together. It is
    prepared once a connection, and sent again where the connection was lost: it must be one that may run twice.
    """
    if connection.in_atomic_block or _current.get() is not None:
        with acting_for(tenant_id), connection.cursor() as cursor:
            cursor.execute(sql, parameters)
            found: list[tuple[Any, ...]] = cursor.fetchall()
            return found
    token = _current.set(Scope(frozenset({tenant_id})))
    try:
        # Whether the connection still lives is not asked before: the statement finds out.
        connection.health_check_done = True  # type: ignore[attr-defined]
        try:
            return _sent(tenant_id, sql, parameters)
        except OperationalError:
            if connection.connection is None or not connection.connection.closed:
                raise
            connection.close()
            return _sent(tenant_id, sql, parameters)
    finally:
        _current.reset(token)


def prepared_statement(sql: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    """The rows of a statement that is asked again and again, in the open scope: planned once a connection.

    Raises NoTenantScope where none is open: the guard reads the tables of a statement, and this one goes by a name.
    """
    if _current.get() is None:
        raise NoTenantScope(f"No tenant scope is open: {_prepared(sql).name}")
    with connection.cursor() as cursor:
        cursor.execute(_known_to(cursor, sql).execute, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def _known_to(cursor: CursorWrapper, sql: str) -> "_Prepared":
    prepared = _prepared(sql)
    known = _prepared_in.setdefault(cursor.connection, set())
    if prepared.name not in known:
        cursor.execute(prepared.prepare)
        known.add(prepared.name)
    return prepared


def _sent(tenant_id: int, sql: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        prepared = _known_to(cursor, sql)
        # Several statements in one message are one transaction, which ends the setting.
        cursor.execute(
            "SELECT set_config('winback.tenants', %(winback_tenants)s, true), "
            f"set_config('winback.every', 'off', true);\n{prepared.execute}",
            {**parameters, "winback_tenants": str(tenant_id)},
        )
        cursor.nextset()
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


@dataclass(frozen=True)
class _Prepared:
    """A statement that PostgreSQL plans once a session."""

    name: str
    prepare: str
    execute: str


_prepared_in: WeakKeyDictionary[Any, set[str]] = WeakKeyDictionary()


@cache
def _prepared(sql: str) -> _Prepared:
    places: dict[str, int] = {}
    text = _PARAMETER.sub(lambda found: f"${places.setdefault(found[1], len(places) + 1)}", sql).replace("%%", "%")
    tables = "_".join(sorted(set(_protected_pattern().findall(sql))))  # for whoever reads the server's log
    name = f"winback_{sha256(sql.encode()).hexdigest()[:12]}_{tables}"[:63].lower()
    arguments = ", ".join(f"%({place})s" for place in places)
    return _Prepared(name, f"PREPARE {name} AS {text}", f"EXECUTE {name}" + (f"({arguments})" if places else ""))


@contextmanager
def acting_for_all(reason: str) -> Iterator[None]:
    """One transaction over every tenant: for the scan, the schedule and platform staff; say why."""
    outer = _current.get()
    if outer is not None and outer.tenant_ids is not None:
        raise OutsideTenantScope("Work for one tenant cannot widen itself to all of them.")
    with _acting(Scope(None, reason)):
        yield


@contextmanager
def migrating() -> Iterator[None]:
    """Session-wide access for ``migrate`` alone: unscoped, a data migration would silently change 0 rows."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('winback.every', 'on', false)")
    token = _current.set(Scope(None, "migrate"))
    try:
        yield
    finally:
        _current.reset(token)
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('winback.every', '', false)")


@cache
def protected_tables() -> frozenset[str]:
    """The tables of every model that says ``tenant_scoped = True``."""
    return frozenset(
        model._meta.db_table
        for model in apps.get_models(include_auto_created=True)
        if getattr(model, "tenant_scoped", False) and model._meta.managed
    )


@cache
def _protected_pattern() -> re.Pattern[str]:
    names = "|".join(sorted(map(re.escape, protected_tables()))) or r"(?!)"
    return re.compile(rf"(?<![\w])({names})(?![\w])", re.IGNORECASE)


_EXEMPT = re.compile(r"\s*(TRUNCATE|CREATE|ALTER|DROP|COMMENT|ANALYZE|VACUUM|LOCK|SET CONSTRAINTS)\b", re.IGNORECASE)


def _guard_statement(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
    """Refuse a statement that names a tenant's table while no scope is open.

    Zero rows would be dangerous: an empty suppression list means "may send".
    """
    if _current.get() is None:
        text = sql if isinstance(sql, str) else str(sql)
        found = _protected_pattern().search(text)
        if found and not _EXEMPT.match(text):
            raise NoTenantScope(f"Table {found.group(1)} was named with no tenant scope open.")
    return execute(sql, params, many, context)


def _install_guard(connection: BaseDatabaseWrapper, **_: Any) -> None:
    if connection.vendor == "postgresql" and _guard_statement not in connection.execute_wrappers:
        connection.execute_wrappers.append(_guard_statement)


def install() -> None:
    """Put the statement guard on every database connection: called once when the tenants app is ready."""
    connection_created.connect(_install_guard, dispatch_uid="winback.tenancy")
    if connection.connection is not None:
        _install_guard(connection)


def scoped_ids(ids: Iterable[int]) -> list[int]:
    """Those of the given tenant ids that the open scope holds."""
    scope = _current.get()
    if scope is None:
        raise NoTenantScope("No tenant scope is open.")
    return [tenant_id for tenant_id in ids if scope.holds(tenant_id)]
