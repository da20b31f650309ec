"""Brings a database's tables up to date when a store is opened, once, however many processes open it together."""

from __future__ import annotations

import threading

from sqlalchemy import Connection, Engine, inspect, text

from calcipath.store.engines import WRITES, Place, set_wal
from calcipath.store.failures import StoreError
from calcipath.store.migrations import NEWEST, REVISIONS
from calcipath.store.tables import VERSION_TABLE, metadata

_LOCK = 4_841_936_572_310_177  # any number that nobody else takes: PostgreSQL's advisory locks have no names
_LOCK_WAIT = "60s"
_one_at_a_time = threading.Lock()  # Alembic's context is one for the whole process


def bring_up_to_date(place: Place, engine: Engine, to: str = NEWEST) -> None:
    """Run the migrations that are missing, all or none.

    Raises `StoreError` for the database of a newer program or of another one, which stays as it is.
    """
    with engine.connect() as connection:
        found = _version(connection, place)
    if place.file is not None:
        set_wal(place, engine)
    if found == to:
        return
    with _one_at_a_time, engine.connect().execution_options(**{WRITES: True}) as connection, connection.begin():
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT set_config('lock_timeout', :wait, true)"), {"wait": _LOCK_WAIT})
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        if _version(connection, place) != to:  # another process may have done it while this one waited
            _migrate(connection, to)


def _version(connection: Connection, place: Place) -> str | None:
    """The database's version; None for a new one."""
    tables = set(inspect(connection).get_table_names())
    if VERSION_TABLE not in tables:
        foreign = tables if place.file is not None else tables & set(metadata.tables)
        if foreign:
            raise StoreError(f"{place.words} holds the tables of another program")
        return None
    version = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608 - our name
    if version is not None and version not in REVISIONS:
        raise StoreError(f"{place.words} was written by a newer calcipath: this one knows its form up to {NEWEST}")
    return str(version) if version is not None else None


def _migrate(connection: Connection, to: str) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "calcipath.store:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, to)
