"""Metrics and log lines without patient data: counts, durations, fixed words; never a token, a body or an id of a person."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from typing import Any

from calcipath.service.keeping import Decision

LOGGER = logging.getLogger("calcipath.service")
SECONDS = (0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Observer:
    """Counts and logs. With several workers Prometheus gathers the counts of all through a shared folder."""

    def __init__(self) -> None:
        from prometheus_client import CollectorRegistry, Counter, Histogram

        self.registry = CollectorRegistry()
        self._calls = Counter(
            "calcipath_calls_total", "Calls of a service by answer", ("service", "status"), registry=self.registry
        )
        self._seconds = Histogram(
            "calcipath_call_seconds", "Time to answer", ("service",), buckets=SECONDS, registry=self.registry
        )
        self._cards = Counter(
            "calcipath_cards_total",
            "Alerts shown, or not and why",
            ("service", "indicator", "fate"),
            registry=self.registry,
        )
        self._feedback = Counter(
            "calcipath_feedback_total", "Feedback items received", ("service",), registry=self.registry
        )
        self._unauthenticated = Counter(
            "calcipath_unauthenticated_total", "Callers refused, by reason", ("reason",), registry=self.registry
        )
        self._errors = Counter("calcipath_errors_total", "Errors of the service itself", registry=self.registry)

    def decided(self, decision: Decision) -> None:
        """A call that was answered."""
        self._seconds.labels(decision.service).observe(decision.milliseconds / 1000.0)
        for card in decision.cards:
            self._cards.labels(decision.service, card.indicator, card.why or "shown").inc()
        shown = sum(1 for card in decision.cards if not card.why)
        self._log(
            "decided", service=decision.service, issuer=decision.issuer, cards=shown,
            not_shown=len(decision.cards) - shown, ms=round(decision.milliseconds, 1),
        )  # fmt: skip

    def answered(self, service: str, status: int) -> None:
        """Any answer, by its status."""
        self._calls.labels(service, str(status)).inc()

    def feedback(self, service: str, count: int) -> None:
        """Feedback that was kept."""
        self._feedback.labels(service).inc(count)
        self._log("feedback", service=service, items=count)

    def unauthenticated(self, reason: str) -> None:
        """A caller that was refused; the reason is a fixed word."""
        self._unauthenticated.labels(reason).inc()
        self._log("unauthenticated", reason=reason)

    def failed(self, error: BaseException, path: str) -> None:
        """An error of the service itself: its kind and place, nothing of its message."""
        self._errors.inc()
        place = _place(error)
        self._log("error", kind=type(error).__name__, place=place, route=path)

    def exposition(self) -> bytes:
        """The metrics in Prometheus' text format."""
        from prometheus_client import CollectorRegistry, generate_latest
        from prometheus_client.multiprocess import MultiProcessCollector

        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
            return generate_latest(registry)
        return generate_latest(self.registry)

    def _log(self, event: str, **members: object) -> None:
        LOGGER.info(json.dumps({"event": event, **members}, ensure_ascii=False))


def _place(error: BaseException) -> str:
    found, step = "", error.__traceback__
    while step:
        module = step.tb_frame.f_globals.get("__name__", "")
        if module.startswith("calcipath"):
            found = f"{module}:{step.tb_lineno}"
        step = step.tb_next
    return found or "outside calcipath"


def uvicorn_logging() -> Mapping[str, Any]:
    """Logging for the server: one JSON line an event on standard error, and no access log (addresses can hold ids)."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": {"()": "calcipath.service.observability.JsonLine"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "loggers": {
            "calcipath.service": {"handlers": ["stderr"], "level": "INFO", "propagate": False},
            "uvicorn.error": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
        },
    }


class JsonLine(logging.Formatter):
    """A record as a JSON line; of an exception only its kind and place."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        text = record.getMessage()
        try:
            members = json.loads(text)
        except ValueError:
            members = {"event": "server", "message": text.split("\n")[0]}
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            members |= {"kind": type(error).__name__, "place": _place(error)}
        line = {"time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S"), "level": record.levelname.lower(), **members}
        return json.dumps(line, ensure_ascii=False)
