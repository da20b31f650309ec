"""What a check of a service may be told."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Options:
    """The options of `check_service`.

    `requests`: folder of the user's own requests. `keys`: PEM files of private keys with their kid; with them
    `issuer` is needed, `jku` and `tenant` are optional; `audience` is the base address as the service knows it.
    `origin`: an origin that browsers are served from. `fhir_listen`: HOST:PORT where the kit plays the client's FHIR
    server, `fhir_url` its address as the service sees it. `timeout` is in seconds for one whole answer.
    """

    requests: str = ""
    services: tuple[str, ...] = ()
    keys: tuple[tuple[str, str], ...] = ()
    issuer: str = ""
    jku: str = ""
    tenant: str = ""
    audience: str = ""
    origin: str = ""
    ca_file: str = ""
    timeout: float = 10.0
    thorough: bool = False
    feedback: bool = True
    fetch_icons: bool = False
    fhir_listen: str = ""
    fhir_url: str = ""
