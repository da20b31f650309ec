"""A service's settings: one YAML file of the site (docs/ehr-integration.md), checked before anything listens."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from calcipath.errors import InputError
from calcipath.guideline.entries import ContentFile, Entry, top
from calcipath.hooks.selection import AlertSettings
from calcipath.service.addresses import AddressRefused, read_address

LOOPBACK_HOSTS = ("127.0.0.1", "::1", "localhost")
MEGABYTE = 1024 * 1024
DEFAULT_STORE = "sqlite:///calcipath-service.sqlite"
DEFAULT_SCOPES = "launch openid fhirUser patient/*.rs"


@dataclass(frozen=True, slots=True)
class Client:
    """A CDS client as the file names it: issuer, where its keys are or the keys themselves, tenants."""

    issuer: str
    jwks_url: str = ""
    keys: tuple[Mapping[str, Any], ...] = ()
    tenants: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Smart:
    """The SMART app: its client id, how it proves itself (a secret or a key, read from the environment or a file)."""

    client_id: str
    client_secret: str = field(default="", repr=False)
    private_key: str = field(default="", repr=False)
    key_id: str = ""
    algorithm: str = "ES384"
    scopes: str = DEFAULT_SCOPES
    authorization_servers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Settings:
    """All of it. `public_url` is how clients reach the service, without a slash at its end."""

    public_url: str
    host: str = "127.0.0.1"
    port: int = 8080
    workers: int = 1
    site: str = ""
    store: str = DEFAULT_STORE
    alerts: AlertSettings = field(default_factory=AlertSettings)
    notes: bool = True
    clients: tuple[Client, ...] = ()
    fhir_servers: tuple[str, ...] = ()
    cors_origins: tuple[str, ...] = ()
    smart: Smart | None = None
    smart_issuers: tuple[str, ...] = ()
    requests_per_minute: int = 600
    most_body_bytes: int = 64 * MEGABYTE
    deepest_body: int = 100
    fetch_seconds: float = 8.0
    metrics: bool = True
    digest_key: bytes = field(default=b"", repr=False)
    keep_patient: bool = False
    keep_comments: bool = False
    page: bool = True
    page_accounts: bool = False
    photographs: str = ""

    @property
    def open(self) -> bool:
        """Whether callers need no key: only for trying it on this machine."""
        return not self.clients and self.host in LOOPBACK_HOSTS and _is_here(self.public_url)


_KEYS = (
    "public_url", "store", "budget", "memory_days", "notes", "clients", "fhir_servers", "cors_origins", "smart",
    "requests_per_minute", "most_body_megabytes", "fetch_seconds", "metrics", "digest_key_env", "keep_patient",
    "keep_comments", "workers", "page",
)  # fmt: skip


def read_settings(
    path: str,
    *,
    host: str,
    port: int,
    workers: int | None,
    site: str,
    store: str,
    environment: Mapping[str, str] = os.environ,
) -> Settings:
    """The settings of the file (none: everything by default) with what the command line says.

    Raises `InputError` in one sentence, above all where a service without keys would be reachable from elsewhere.
    """
    entry = _entry(path)
    loopback = host in LOOPBACK_HOSTS
    public = _text(entry, "public_url", f"http://{'localhost' if host == '::1' else host}:{port}").rstrip("/")
    clients = tuple(_client(each, path) for each in entry.entries("clients"))
    here = loopback and not clients and _is_here(public)
    if not entry.data.get("page"):
        _require_keys(loopback, public, clients)
    smart = entry.entry("smart")
    found = Settings(
        public_url=public,
        host=host,
        port=port,
        workers=workers if workers is not None else _whole(entry, "workers", 1, 1, 64),
        site=site,
        store=store or _text(entry, "store", DEFAULT_STORE),
        alerts=_alerts(entry),
        notes=entry.flag("notes", True),
        clients=clients,
        fhir_servers=entry.texts("fhir_servers"),
        cors_origins=_origins(entry),
        smart=_smart(smart, environment) if smart else None,
        smart_issuers=smart.texts("issuers") if smart else (),
        requests_per_minute=_whole(entry, "requests_per_minute", 600, 1, 1_000_000),
        most_body_bytes=_whole(entry, "most_body_megabytes", 64, 1, 1024) * MEGABYTE,
        fetch_seconds=float(_whole(entry, "fetch_seconds", 8, 1, 60)),
        metrics=entry.flag("metrics", True),
        digest_key=_digest_key(entry, environment, open_=here),
        keep_patient=entry.flag("keep_patient"),
        keep_comments=entry.flag("keep_comments"),
        **_page(entry, public, loopback=here),
    )
    _check_addresses(found)
    if found.smart and found.workers > 1:
        raise InputError("'smart' needs one worker: the sessions of the page are kept in the memory of one process")
    return found


def _page(entry: Entry, public: str, *, loopback: bool) -> dict[str, Any]:
    """The clinician's page: on for this machine alone, where one user needs no login; elsewhere only with accounts."""
    if "page" not in entry.data:
        return {"page": loopback, "page_accounts": not loopback}
    page = None if isinstance(entry.data["page"], bool) else entry.entry("page")
    if page is None:
        found: dict[str, Any] = {"page": entry.flag("page", loopback), "page_accounts": not loopback}
    else:
        page.only("accounts", "photographs")
        accounts = page.flag("accounts", True)
        if not accounts and not loopback:
            raise page.fail("beyond this machine the page needs accounts", "accounts")
        found = {"page": True, "page_accounts": accounts, "photographs": page.text("photographs", "")}
    if found["page"] and not loopback:
        _require_encryption(entry, public)
    return found


def _require_encryption(entry: Entry, public: str) -> None:
    """Passwords and sessions cross a network by https alone."""
    try:
        read_address(public)
    except AddressRefused:
        raise entry.fail("the page needs a 'public_url' that begins with https://", "page") from None


def read_alert_settings(path: str) -> AlertSettings:
    """What a service's settings file says of its alerts (no file: by default). Raises `InputError`."""
    return _alerts(_entry(path))


def _alerts(entry: Entry) -> AlertSettings:
    usual = AlertSettings()
    return AlertSettings(
        budget=_whole(entry, "budget", usual.budget, 0, 20),
        memory_days=float(_whole(entry, "memory_days", int(usual.memory_days), 0, 3650)),
    )


def _entry(path: str) -> Entry:
    if not path:
        return Entry(ContentFile("settings", "", {}), (), {})
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise InputError(f"the settings file {path} cannot be read: {reason}") from None
    file = ContentFile.parse(path, text)
    entry = Entry(file, (), {}) if file.data is None else top(file)
    entry.only(*_KEYS)
    return entry


def _is_here(public: str) -> bool:
    """Whether an address is one of this machine alone."""
    try:
        return read_address(public).loopback
    except AddressRefused:
        return False


def _require_keys(loopback: bool, public: str, clients: tuple[Client, ...]) -> None:
    if clients:
        return
    if not loopback:
        raise InputError(
            "beyond this machine the service answers only clients that it knows: name them in the settings ('clients'), "
            "or bind it to 127.0.0.1"
        )
    if not _is_here(public):
        raise InputError(
            "'public_url' is an address beyond this machine, and no clients are named: name them ('clients')"
        )


def _text(entry: Entry, key: str, default: str) -> str:
    return entry.text(key, default)


def _whole(entry: Entry, key: str, default: int, low: int, high: int) -> int:
    value = entry.data.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise entry.fail(f"'{key}' must be a whole number from {low} to {high}", key)
    return value


def _client(entry: Entry, path: str) -> Client:
    import json

    entry.only("issuer", "jwks_url", "keys_file", "tenants")
    keys: tuple[Mapping[str, Any], ...] = ()
    if "keys_file" in entry.data:
        file = Path(path).parent / entry.text("keys_file")
        try:
            keys = tuple(json.loads(file.read_text(encoding="utf-8"))["keys"])
        except (OSError, ValueError, KeyError, TypeError):
            raise entry.fail(
                f"the key set {file.name} cannot be read: it must be a JSON Web Key Set", "keys_file"
            ) from None
    if not keys and "jwks_url" not in entry.data:
        raise entry.fail("a client needs 'jwks_url' or 'keys_file'")
    return Client(entry.text("issuer"), entry.text("jwks_url", ""), keys, frozenset(entry.texts("tenants")))


def _smart(entry: Entry, environment: Mapping[str, str]) -> Smart:
    entry.only(
        "client_id",
        "client_secret_env",
        "private_key_file",
        "key_id",
        "algorithm",
        "scopes",
        "issuers",
        "authorization_servers",
    )
    secret = _from_environment(entry, "client_secret_env", environment)
    key = ""
    if "private_key_file" in entry.data:
        try:
            key = (Path(entry.file.name).parent / entry.text("private_key_file")).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            raise entry.fail("the private key cannot be read", "private_key_file") from None
    return Smart(
        entry.text("client_id"),
        secret,
        key,
        entry.text("key_id", ""),
        entry.one_of("algorithm", ("ES384", "RS384"), "ES384"),
        entry.text("scopes", DEFAULT_SCOPES),
        entry.texts("authorization_servers"),
    )


def _from_environment(entry: Entry, key: str, environment: Mapping[str, str]) -> str:
    if key not in entry.data:
        return ""
    name = entry.text(key)
    value = environment.get(name, "")
    if not value:
        raise entry.fail(f"the environment variable {name} is not set", key)
    return value


def _digest_key(entry: Entry, environment: Mapping[str, str], *, open_: bool) -> bytes:
    """The key under which patients and inputs are digested; empty where the service makes one of its own to try it."""
    value = _from_environment(entry, "digest_key_env", environment)
    if value:
        if len(value) < 32:
            raise entry.fail("the digest key must have 32 characters or more", "digest_key_env")
        return value.encode("utf-8")
    if not open_:
        raise InputError(
            "the settings need 'digest_key_env': the name of an environment variable with a secret of 32 characters or "
            "more, under which patients are digested in the audit"
        )
    return b""


def _origins(entry: Entry) -> tuple[str, ...]:
    origins = entry.texts("cors_origins")
    for origin in origins:
        if origin == "*":
            raise entry.fail("'*' lets every page ask this service: name the origins", "cors_origins")
        try:
            if str(read_address(origin)) != origin or read_address(origin).path:
                raise AddressRefused("an origin has no path")
        except AddressRefused:
            raise entry.fail(f"'{origin}' is no origin such as https://ehr.example", "cors_origins") from None
    return origins


def _check_addresses(found: Settings) -> None:
    for name, addresses in (("fhir_servers", found.fhir_servers), ("smart.issuers", found.smart_issuers)):
        for address in addresses:
            try:
                read_address(address)
            except AddressRefused as error:
                raise InputError(f"settings, '{name}': {error}") from None
