"""Load on the CDS Hooks service: a steady stream of patient-view calls with a full prefetch; times, errors, memory.

    .venv/bin/python benchmarks/bench_hooks.py PATIENT.json [--rate 20] [--seconds 60] [--workers 2]

PATIENT.json is a FHIR bundle of one patient with about a thousand resources. The service is a process of its own, on the
same machine as the caller. Requests start on time whether earlier ones are answered or not (an open loop), so that a
slow answer cannot hide behind a late question.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx

KEYS = {
    "Condition": "conditions", "Observation": "observations", "DiagnosticReport": "reports", "Procedure": "procedures",
    "ServiceRequest": "orders", "MedicationRequest": "medicationRequests", "MedicationStatement": "medicationStatements",
    "MedicationAdministration": "medicationAdministrations", "AllergyIntolerance": "allergies", "Encounter": "encounters",
}  # fmt: skip
SETTINGS = "requests_per_minute: 1000000\nmemory_days: 0\n"


def request_of(bundle: dict[str, Any]) -> bytes:
    """A patient-view call that holds everything."""
    resources = [entry["resource"] for entry in bundle["entry"]]
    patient = next(each for each in resources if each["resourceType"] == "Patient")
    prefetch: dict[str, Any] = {"patient": patient}
    for kind, key in KEYS.items():
        held = [{"resource": each} for each in resources if each["resourceType"] == kind]
        prefetch[key] = {"resourceType": "Bundle", "type": "searchset", "entry": held}
    body = {
        "hook": "patient-view", "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": {"userId": "Practitioner/1", "patientId": patient["id"]}, "prefetch": prefetch,
    }  # fmt: skip
    print(
        f"{sum(len(v.get('entry', [1])) for v in prefetch.values())} resources, {len(json.dumps(body)) / 1e6:.2f} MB a call"
    )
    return json.dumps(body).encode()


def megabytes(process: int) -> float:
    """Resident memory of the process and its children."""
    total = 0
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            stat = (folder / "stat").read_text().rsplit(")", 1)[1].split()
            if int(folder.name) == process or int(stat[1]) == process:
                total += int((folder / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except (OSError, IndexError):
            continue
    return total / 1e6


async def load(base: str, body: bytes, rate: float, seconds: float, process: int) -> None:
    """Send, and print what came back."""
    spent: list[float] = []
    statuses: Counter[str] = Counter()
    memory: list[float] = []
    limits = httpx.Limits(max_connections=200, max_keepalive_connections=50)
    async with httpx.AsyncClient(timeout=30, limits=limits) as client:

        async def one() -> None:
            begin = time.perf_counter()
            try:
                answer = await client.post(f"{base}/cds-services/calciphylaxis-patient-view", content=body)
                statuses[str(answer.status_code)] += 1
            except httpx.HTTPError as error:
                statuses[type(error).__name__] += 1
            spent.append(time.perf_counter() - begin)

        for _ in range(10):
            await one()
        spent.clear()
        statuses.clear()
        begin = time.perf_counter()
        tasks = []
        for number in range(round(rate * seconds)):
            wait = begin + number / rate - time.perf_counter()
            if wait > 0:
                await asyncio.sleep(wait)
            tasks.append(asyncio.create_task(one()))
            if number % round(rate * max(1.0, seconds / 10)) == 0:
                memory.append(megabytes(process))
        await asyncio.gather(*tasks)
        whole = time.perf_counter() - begin
    cuts = statistics.quantiles(spent, n=100)
    print(f"{len(spent)} calls in {whole:.1f} s ({len(spent) / whole:.1f}/s), answers: {dict(statuses)}")
    print(
        f"p50 {1000 * cuts[49]:.0f} ms, p95 {1000 * cuts[94]:.0f} ms, p99 {1000 * cuts[98]:.0f} ms, longest {1000 * max(spent):.0f} ms"
    )
    print("memory of all processes, MB: " + ", ".join(f"{each:.0f}" for each in memory))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("patient", type=Path)
    options.add_argument("--rate", type=float, default=20.0)
    options.add_argument("--seconds", type=float, default=60.0)
    options.add_argument("--workers", type=int, default=2)
    chosen = options.parse_args()
    body = request_of(json.loads(chosen.patient.read_text()))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "settings.yaml").write_text(SETTINGS)
        command = [sys.executable, "-m", "calcipath", "serve", "--port", str(port), "--settings", "settings.yaml",
                   "--workers", str(chosen.workers)]  # fmt: skip
        log = Path(folder) / "log"
        with log.open("wb") as stream:
            service = subprocess.Popen(
                command,
                cwd=folder,
                stdout=stream,
                stderr=stream,
                env={**os.environ, "PYTHONPATH": os.environ.get("PYTHONPATH", "")},
            )
        base = f"http://127.0.0.1:{port}"
        try:
            for _ in range(200):
                try:
                    httpx.get(f"{base}/health", timeout=1)
                    break
                except httpx.HTTPError:
                    time.sleep(0.1)
            asyncio.run(load(base, body, chosen.rate, chosen.seconds, service.pid))
        finally:
            service.send_signal(signal.SIGTERM)
            service.wait(timeout=30)


if __name__ == "__main__":
    main()
