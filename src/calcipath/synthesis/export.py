"""A population into a folder: parts written side by side by several processes, whole or not at all."""

from __future__ import annotations

import gzip
import multiprocessing
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, Literal, cast

from calcipath.errors import InputError
from calcipath.synthesis.chunk import CHUNK, draw_chunk
from calcipath.synthesis.content import content
from calcipath.synthesis.fhir import FhirFiles
from calcipath.synthesis.omop import OmopFiles
from calcipath.synthesis.people import Setting
from calcipath.synthesis.truth import HEADER, MISTAKES_HEADER, mistake_rows

LARGEST_PART: Final = 50_000  # patients in one part: bounds a file's size, and divides the work
LEAST_PARTS: Final = 8
TRUTH, MISTAKES = "truth/truth.csv", "truth/mistakes.csv"
_stop: Any = None  # set in each worker: whether the run has been given up


@dataclass(frozen=True, slots=True)
class Order:
    """What to generate. `out` must not exist, or be an empty folder."""

    out: Path
    patients: int
    setting: Setting
    format: Literal["fhir", "omop"]
    gzip: bool
    workers: int


def generate(order: Order, progress: Callable[[int], None] | None = None) -> None:
    """Generate a population. Raises `InputError` in one sentence, and then leaves nothing behind."""
    _check_out(order.out)
    try:
        with _whole(order.out) as folder:
            for patients in _written_parts(order, folder):
                if progress:
                    progress(patients)
            _finish(order, folder)
    except BrokenProcessPool:
        raise InputError("a worker was ended from outside (is there enough memory?); nothing was written") from None
    except OSError as error:
        why = (error.strerror or type(error).__name__).lower()
        raise InputError(f"cannot write {order.out}: {why}; nothing was written") from None


def _check_out(out: Path) -> None:
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise InputError(f"{out} exists and is no folder; choose a new one")
    if out.is_dir() and any(out.iterdir()):
        raise InputError(f"the folder {out} is not empty; choose a new or an empty one")


@contextmanager
def _whole(out: Path) -> Iterator[Path]:
    """A temporary folder beside `out` that becomes it when all is written, and is gone when anything fails."""
    place = out.absolute()
    folder = Path(tempfile.mkdtemp(prefix=f".{place.name[:40]}.", suffix=".part", dir=place.parent))
    try:
        yield folder
        folder.chmod(0o777 & ~_umask())
        folder.replace(place)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def part_size(patients: int) -> int:
    """Patients in a part: whole chunks; depends on the population alone, so that files never depend on workers."""
    wanted = -(-patients // (LEAST_PARTS * CHUNK)) * CHUNK
    return min(LARGEST_PART, wanted)


def _written_parts(order: Order, folder: Path) -> Iterator[int]:
    """Write all parts; gives the patients of each as it is done."""
    size = part_size(order.patients)
    parts = range(-(-order.patients // size))
    workers = min(order.workers, len(parts))
    if workers <= 1:
        for part in parts:
            yield write_part(order, folder, part)
        return
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    with ProcessPoolExecutor(workers, context, _begin, (stop,)) as pool:
        waiting: list[Future[int]] = [pool.submit(write_part, order, folder, part) for part in parts]
        try:
            for done in as_completed(waiting):
                yield done.result()
        except BaseException:
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _begin(stop: Any) -> None:
    """In each worker: an interrupt is the parent's business."""
    global _stop
    _stop = stop
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def write_part(order: Order, folder: Path, part: int) -> int:
    """Write one part's files; gives how many patients it has."""
    size = part_size(order.patients)
    first, last = part * size, min((part + 1) * size, order.patients)
    held = content()
    writer = FhirFiles(held, part) if order.format == "fhir" else OmopFiles(held, part)
    with ExitStack() as open_files:
        streams: dict[str, IO[bytes]] = {}
        for start in range(first, last, CHUNK):
            if _stop is not None and _stop.is_set():
                break
            chunk = draw_chunk(order.setting, held, start // CHUNK, min(CHUNK, last - start))
            texts = writer.files(chunk)
            texts[f"{TRUTH}.{part:04d}"] = chunk.truth
            texts[f"{MISTAKES}.{part:04d}"] = mistake_rows(chunk)
            for name, text in texts.items():
                _stream(open_files, streams, folder, name, order.gzip).write(text.encode())
    return last - first


def _stream(open_files: ExitStack, streams: dict[str, IO[bytes]], folder: Path, name: str, zipped: bool) -> IO[bytes]:
    if name not in streams:
        path = folder / (f"{name}.gz" if zipped and not name.startswith("truth/") else name)
        path.parent.mkdir(exist_ok=True)
        raw = open_files.enter_context(path.open("wb", buffering=1 << 20))
        streams[name] = raw
        if path.suffix == ".gz":  # without name and time in its header the file depends on its content alone
            zipping = gzip.GzipFile("", "wb", 6, raw, mtime=0)
            streams[name] = cast(IO[bytes], open_files.enter_context(zipping))
    return streams[name]


def _finish(order: Order, folder: Path) -> None:
    """Join what was written in parts, and add what is not of one patient."""
    held = content()
    (folder / "truth").mkdir(exist_ok=True)
    _join(folder, TRUTH, ",".join(HEADER) + "\n", zipped=False)
    _join(folder, MISTAKES, ",".join(MISTAKES_HEADER) + "\n", zipped=False)
    with ExitStack() as open_files:
        streams: dict[str, IO[bytes]] = {}
        files = FhirFiles if order.format == "fhir" else OmopFiles
        shared = files.shared(held, order.setting.as_of)
        for name, text in shared.items():
            _stream(open_files, streams, folder, name, order.gzip).write(text.encode())
    if order.format == "omop":
        for name, header in OmopFiles.headers().items():
            _join(folder, name, header, zipped=order.gzip)


def _join(folder: Path, name: str, header: str, *, zipped: bool) -> None:
    """All parts of a file behind one header; each part goes as soon as it is in."""
    suffix = ".gz" if zipped else ""
    with (folder / f"{name}{suffix}").open("wb") as whole:
        whole.write(gzip.compress(header.encode(), mtime=0) if zipped else header.encode())
        for part in sorted((folder / name).parent.glob(f"{Path(name).name}.[0-9]*{suffix}")):
            with part.open("rb") as held:
                shutil.copyfileobj(held, whole, 1 << 20)
            part.unlink()
