"""kill -9 of the service while feedback arrives: what was acknowledged is there, and the audit is whole."""

from __future__ import annotations

import json
import signal
import threading
import time
import uuid
from pathlib import Path

import httpx
import pytest
from running import serving

from calcipath.cli import main

FEEDBACK = "/cds-services/calciphylaxis-patient-view/feedback"


def test_nothing_acknowledged_is_lost(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "settings.yaml").write_text("requests_per_minute: 1000000\n")
    acknowledged: list[str] = []

    def send(base: str) -> None:
        with httpx.Client(base_url=base, timeout=5) as client:
            while True:
                card = str(uuid.uuid4())
                item = {
                    "card": card,
                    "outcome": "accepted",
                    "outcomeTimestamp": "2026-01-14T12:00:00Z",
                    "acceptedSuggestions": [{"id": card}],
                }
                try:
                    if client.post(FEEDBACK, json={"feedback": [item]}).status_code == 200:
                        acknowledged.append(card)
                except httpx.HTTPError:
                    return

    with serving(tmp_path, "--settings", "settings.yaml") as running:
        senders = [threading.Thread(target=send, args=(running.base,)) for _ in range(4)]
        for each in senders:
            each.start()
        while len(acknowledged) < 60:
            time.sleep(0.01)
        running.stop(signal.SIGKILL)
        for each in senders:
            each.join(timeout=20)
    assert len(acknowledged) >= 60
    import sqlite3

    with sqlite3.connect(tmp_path / "calcipath-service.sqlite") as database:
        kept = {row[0] for row in database.execute("SELECT card FROM feedback")}
    assert set(acknowledged) <= kept
    store = f"sqlite:///{tmp_path / 'calcipath-service.sqlite'}"
    assert main(["feedback", "verify", "--store", store, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["whole"] is True
    with serving(tmp_path, "--settings", "settings.yaml") as running:  # and it starts again
        assert httpx.get(f"{running.base}/cds-services").status_code == 200
