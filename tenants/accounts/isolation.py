"""The migration operation that puts row-level security under every tenant-owned table of an app.

The scheme and its traps: docs/decisions/0002-row-level-security.md. Run it as the last operation of each migration
that creates a tenant-scoped model or a key between two of them; it is safe to run again.
"""

from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import ForeignKey

# The sub-selects are evaluated once a statement; nullif because a reset setting is '' and not NULL.
POLICY = (
    "tenant_id = ANY ((SELECT string_to_array(nullif(current_setting('winback.tenants', true), ''), ',')::bigint[])"
    "::bigint[]) OR (SELECT current_setting('winback.every', true) = 'on')"
)


def isolate_table(table: str, *, append_only: bool = False) -> list[str]:
    """SQL that enables, forces and (re)creates the policies of one table."""
    statements = [
        f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY',
        f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY',
        f'DROP POLICY IF EXISTS scope ON "{table}"',
        f'DROP POLICY IF EXISTS scope_insert ON "{table}"',
        f'DROP POLICY IF EXISTS scope_erase ON "{table}"',
    ]
    if append_only:  # no policy for update or delete: the rows are history, but for what a person has erased of them
        erasing = "(SELECT current_setting('winback.erasing', true) = 'on')"
        statements.append(f'CREATE POLICY scope ON "{table}" FOR SELECT USING ({POLICY})')
        statements.append(f'CREATE POLICY scope_insert ON "{table}" FOR INSERT WITH CHECK ({POLICY})')
        statements.append(f'CREATE POLICY scope_erase ON "{table}" FOR UPDATE USING (({POLICY}) AND {erasing})')
    else:
        statements.append(f'CREATE POLICY scope ON "{table}" USING ({POLICY}) WITH CHECK ({POLICY})')
    return statements


def composite_key(table: str, column: str) -> str:
    """SQL for the unique (tenant_id, primary key) that composite foreign keys point at."""
    return (
        f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_constraint WHERE conname = '{table}_tenant_key' "
        f"AND conrelid = '\"{table}\"'::regclass) THEN "
        f'ALTER TABLE "{table}" ADD CONSTRAINT "{table}_tenant_key" UNIQUE (tenant_id, "{column}"); END IF; END $$'
    )


def composite_foreign_key(table: str, column: str, target: str, target_column: str) -> str:
    """SQL for a foreign key that cannot cross tenants (foreign-key checks bypass row-level security)."""
    name = f"{table}_{column}_same_tenant"[:63]
    return (
        f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_constraint WHERE conname = '{name}' "
        f"AND conrelid = '\"{table}\"'::regclass) THEN "
        f'ALTER TABLE "{table}" ADD CONSTRAINT "{name}" FOREIGN KEY (tenant_id, "{column}") '
        f'REFERENCES "{target}" (tenant_id, "{target_column}") DEFERRABLE INITIALLY DEFERRED; END IF; END $$'
    )


class IsolateTenants(Operation):
    """Row-level security and composite keys for every model of the app that has a ``tenant`` foreign key."""

    reduces_to_sql = True
    reversible = True

    def __init__(self, append_only: tuple[str, ...] = (), skip: tuple[str, ...] = ()) -> None:
        self.append_only = append_only
        self.skip = skip

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return (self.__class__.__qualname__, [], {"append_only": self.append_only, "skip": self.skip})

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """The state of the models is not changed."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        models = [
            model
            for model in to_state.apps.get_models()
            if model._meta.app_label == app_label
            and model._meta.managed
            and model._meta.model_name not in self.skip
            and any(field.name == "tenant" for field in model._meta.concrete_fields)
        ]
        for model in models:
            table = model._meta.db_table
            append_only = model._meta.model_name in self.append_only
            for statement in isolate_table(table, append_only=append_only):
                schema_editor.execute(statement)
        for model in models:
            for field in model._meta.concrete_fields:
                if not isinstance(field, ForeignKey) or field.name == "tenant":
                    continue
                target = field.related_model._meta
                if any(other.name == "tenant" for other in target.concrete_fields):
                    # Only where something points: each index costs whoever writes the table.
                    schema_editor.execute(composite_key(target.db_table, str(target.pk.column)))
                    schema_editor.execute(
                        composite_foreign_key(
                            model._meta.db_table, str(field.column), target.db_table, str(target.pk.column)
                        )
                    )

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        """Tables take their policies and keys with them when they are dropped."""

    def describe(self) -> str:
        return "Put row-level security and composite tenant keys under the app's tables"
