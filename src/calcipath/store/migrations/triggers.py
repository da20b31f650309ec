"""Triggers that make a table append-only. Part of the released steps: new needs get new functions."""

from __future__ import annotations

from alembic import op

_REFUSES = """
CREATE FUNCTION calcipath_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'this table is append-only' USING ERRCODE = 'integrity_constraint_violation';
END
$$
"""
_WRITER = "NEW.writer <> OLD.writer OR NEW.started <> OLD.started OR NEW.number <= OLD.number"
_GUARDS = f"""
CREATE FUNCTION calcipath_guard_writer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF {_WRITER} OR NEW.follows IS DISTINCT FROM OLD.follows THEN
        RAISE EXCEPTION 'a writer only goes on' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$
"""


def prepare() -> None:
    """What the triggers of PostgreSQL call."""
    if _postgres():
        op.execute(_REFUSES)
        op.execute(_GUARDS)


def append_only(table: str, *keys: str) -> None:
    """Refuse UPDATE, DELETE and TRUNCATE, and SQLite's INSERT OR REPLACE where one of the unique `keys` is taken."""
    if _postgres():
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION calcipath_append_only()"
        )
        return
    for verb in ("UPDATE", "DELETE"):
        op.execute(f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} BEGIN {_raise(table)} END")
    taken = " OR ".join("(" + " AND ".join(f"{name} = NEW.{name}" for name in key.split()) + ")" for key in keys)
    _no_replace(table, taken)


def only_forward(table: str) -> None:
    """For the table of writers: no DELETE; an UPDATE only to a higher number."""
    if _postgres():
        op.execute(
            f"CREATE TRIGGER {table}_guard BEFORE UPDATE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION calcipath_guard_writer()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION calcipath_append_only()"
        )
        return
    op.execute(
        f"CREATE TRIGGER {table}_guard BEFORE UPDATE ON {table} WHEN {_WRITER} OR NEW.follows IS NOT OLD.follows"
        f" BEGIN {_raise(table)} END"
    )
    op.execute(f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} BEGIN {_raise(table)} END")
    _no_replace(table, "writer = NEW.writer")


def goes_with(table: str, owner: str, link: str, key: str) -> None:
    """Refuse UPDATE and REPLACE of a row, and its DELETE as long as the row of `owner` with the same `link` is there."""
    there = f"EXISTS (SELECT 1 FROM {owner} WHERE {link} = OLD.{link})"  # noqa: S608 - our own names
    if _postgres():
        op.execute(
            f"CREATE FUNCTION calcipath_{table}_goes_with() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            f" IF {there} THEN"
            f" RAISE EXCEPTION '{table} is append-only' USING ERRCODE = 'integrity_constraint_violation';"
            " END IF; RETURN OLD; END $$"
        )
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION calcipath_append_only()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_goes_with BEFORE DELETE ON {table}"
            f" FOR EACH ROW EXECUTE FUNCTION calcipath_{table}_goes_with()"
        )
        return
    op.execute(f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} BEGIN {_raise(table)} END")
    op.execute(f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} WHEN {there} BEGIN {_raise(table)} END")
    _no_replace(table, " AND ".join(f"{name} = NEW.{name}" for name in key.split()))


def _no_replace(table: str, taken: str) -> None:
    """SQLite deletes a row that it replaces without asking the triggers of DELETE."""
    there = f"EXISTS (SELECT 1 FROM {table} WHERE {taken})"  # noqa: S608 - our own names
    op.execute(f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} WHEN {there} BEGIN {_raise(table)} END")


def _raise(table: str) -> str:
    return f"SELECT RAISE(ABORT, '{table} is append-only');"


def _postgres() -> bool:
    return op.get_bind().dialect.name == "postgresql"
