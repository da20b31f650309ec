"""A genuine Apache Spark Connect server for the tests, in a virtual environment of its own (`.spark-venv/`).

    python tools/spark_server.py install            # what requirements-spark-server.txt pins, checked against its hashes
    python tools/spark_server.py run [--port 15002] # until interrupted; needs Java 17 or 21 on the PATH

It listens on this machine only.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".spark-venv"
REQUIREMENTS = ROOT / "requirements-spark-server.txt"
INSTALL = "python tools/spark_server.py install"
MAIN = "org.apache.spark.sql.connect.service.SparkConnectServer"
PATIENCE = 90  # seconds


def spark_home() -> Path | None:
    """The folder of the installed Spark; None where `install` has not run."""
    found = sorted(ENVIRONMENT.glob("lib/python3*/site-packages/pyspark/bin/spark-submit"))
    return found[0].parent.parent if found else None


def install() -> None:
    """Make the environment anew, if it does not hold what is pinned."""
    stamp = ENVIRONMENT / "installed"
    if stamp.exists() and stamp.read_bytes() == REQUIREMENTS.read_bytes() and spark_home():
        return
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(ENVIRONMENT)], check=True)
    pip = [str(ENVIRONMENT / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--quiet"]
    subprocess.run([*pip, "install", "--require-hashes", "-r", str(REQUIREMENTS)], check=True)
    stamp.write_bytes(REQUIREMENTS.read_bytes())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def command(home: Path, port: int, work: Path) -> list[str]:
    """How the server is started: no web page, and its working files in a folder of ours."""
    settings = {
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": str(port),
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.ui.enabled": "false",
        "spark.local.dir": str(work),
        "spark.sql.warehouse.dir": str(work / "warehouse"),
        "spark.sql.shuffle.partitions": "2",
        "spark.log.level": "ERROR",
    }
    given = [part for name, value in settings.items() for part in ("--conf", f"{name}={value}")]
    submit = [str(home / "bin" / "spark-submit"), "--master", "local[2]", "--driver-memory", "3g"]
    return [*submit, "--class", MAIN, *given, "spark-internal"]


@contextmanager
def server(port: int = 0) -> Iterator[str]:
    """A running server, as its `sc://` address; it ends with the block. Raises `RuntimeError` in one sentence."""
    home = spark_home()
    if home is None:
        raise RuntimeError(f"Spark's server is not installed; `{INSTALL}` installs it")
    if shutil.which("java") is None:
        raise RuntimeError("Spark's server needs Java 17 or 21, and there is no java on the PATH")
    port = port or free_port()
    work = Path(tempfile.mkdtemp(prefix="calcipath-spark-"))
    log = work / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command(home, port, work),
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=work,
            env={**os.environ, "SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1"},
            start_new_session=True,
        )
    try:
        _wait(process, port, log)
        yield f"sc://127.0.0.1:{port}"
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        shutil.rmtree(work, ignore_errors=True)


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
    raise RuntimeError(f"Spark's server did not start: {said[0] if said else 'it said nothing'}")


def main() -> int:
    options = argparse.ArgumentParser(description="A Spark Connect server for the tests.")
    commands = options.add_subparsers(dest="command", required=True)
    commands.add_parser("install")
    commands.add_parser("run").add_argument("--port", type=int, default=15002)
    chosen = options.parse_args()
    if chosen.command == "install":
        install()
        return 0
    try:
        with server(chosen.port) as address:
            print(address, flush=True)
            while True:
                time.sleep(3600)
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
