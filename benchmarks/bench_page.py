"""The clinician's page in a real Chromium: from a slider's move to the new curve, and the first view of a large record.

    .venv/bin/python benchmarks/bench_page.py [--runs 20] [--resources 1000]

The service is a process of its own on the same machine. A move is timed inside the browser, from the input event until the
new result stands and is about to be painted; a first view from the press of the button until the assessment is parsed, with
upload, reading, storing and assessment in it. Compare only what was taken in the same hour: the load is printed.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from patient import patient_bundle
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parents[1]
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
MOVE = """value => new Promise(done => {
  const place = document.getElementById("dose-result"), slider = document.querySelector("[data-for=dose-hours]");
  const watch = new MutationObserver(() => { watch.disconnect(); requestAnimationFrame(() => done(performance.now() - begun)); });
  watch.observe(place, {attributes: true, attributeFilter: ["data-shown"]});
  const begun = performance.now();
  slider.value = value;
  slider.dispatchEvent(new Event("input", {bubbles: true}));
})"""
PARSED = "() => performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """A service with an empty store."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "calcipath",
        "serve",
        "--port",
        str(port),
        "--store",
        f"sqlite:///{folder}/s.sqlite",
    ]
    with (folder / "service.log").open("wb") as log:
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
    base = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{base}/health", timeout=2)  # noqa: S310  our own address
                break
            except OSError:
                time.sleep(0.1)
        yield base
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)


def moves(page: Page, base: str, runs: int) -> list[float]:
    """Milliseconds from the move to the new curve, of a regimen without a hold (the most that is drawn)."""
    page.goto(f"{base}/page/dose")
    page.select_option("#dose-modality", "hemodialysis")
    for name, value in (("weight", "92"), ("sessions", "4"), ("hours", "3"), ("dose", "25")):
        page.fill(f"#dose-{name}", value)
    page.select_option("#dose-salt", "pentahydrate")
    page.wait_for_selector("#dose-curve")
    page.wait_for_function("() => !document.querySelector('[aria-busy]')")
    return [page.evaluate(MOVE, str(3 + 0.25 * (number % 8 + 1))) for number in range(runs)]


def first_views(page: Page, base: str, record: Path, runs: int) -> list[float]:
    """Milliseconds from the press of the button to the assessment of a record that the service has never seen."""
    found = []
    for _ in range(runs):
        page.goto(base)
        page.set_input_files("#record", str(record))
        page.get_by_role("button", name="Assess this record").click()
        page.wait_for_url("**/cases/*")
        found.append(page.evaluate(PARSED))
    return found


def weight(page: Page, base: str) -> dict[str, tuple[int, int]]:
    """Bytes of every address that the views of the case that is shown ask for: compressed, and as they are sent."""
    asked: set[str] = set()
    page.on("request", lambda request: asked.add(request.url))
    address = page.url
    for view in ("", "/orders", "/dose", "/follow-up", "/summary", "/patient", "/record"):
        page.goto(f"{address}{view}")
    bodies = {each.removeprefix(base): page.context.request.get(each).body() for each in sorted(asked)}
    return {place: (len(gzip.compress(body, 6)), len(body)) for place, body in bodies.items()}


def told(what: str, taken: list[float]) -> None:
    print(f"{what}: fastest {min(taken):.0f} ms, median {statistics.median(taken):.0f} ms, slowest {max(taken):.0f} ms")


def main(runs: int, resources: int, chromium: str) -> None:
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {runs} runs")
    with tempfile.TemporaryDirectory() as work, serving(Path(work)) as base, sync_playwright() as playwright:
        record = Path(work) / "record.json"
        record.write_text(json.dumps(patient_bundle(resources)), encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=chromium, args=OPTIONS)
        page = browser.new_page(viewport={"width": 1100, "height": 900})
        told("slider to new curve", moves(page, base, runs))
        told(f"first view of {resources} resources", first_views(page, base, record, max(3, runs // 2)))
        weighed = weight(page, base)
        small, sent = (sum(each) / 1000 for each in zip(*weighed.values(), strict=True))
        print(f"all views of that case: {small:.0f} kB compressed, {sent:.0f} kB as sent, {len(weighed)} addresses")
        for place, (one, other) in sorted(weighed.items(), key=lambda each: -each[1][0])[:4]:
            print(f"  {one / 1000:.0f} kB compressed, {other / 1000:.0f} kB as sent: {place}")
        browser.close()
    print(f"load afterwards {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=20)
    options.add_argument("--resources", type=int, default=1000)
    options.add_argument("--chromium", default=shutil.which("chromium") or "")
    chosen = options.parse_args()
    main(chosen.runs, chosen.resources, chosen.chromium)
