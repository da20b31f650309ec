"""Dates in SQL are the dates of the one-patient reader."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from calcipath.population.dialect import DUCKDB, when_high, when_low
from calcipath.population.duckdb_engine import Database
from calcipath.population.fhir_lines import quoted
from calcipath.population.fhir_sql import is_date
from calcipath.record.dates import parse_when

YEARS = st.integers(1, 9998).map("{:04}".format)
TWO = st.integers(0, 61).map("{:02}".format)
ZONES = st.sampled_from(["", "Z", "+00:00", "-05:00", "+14:00", "-13:59", "+14:01", "+05:30", "+5:30"])
FRACTIONS = st.sampled_from(["", ".5", ".123", ".000001", ".123456789012", "."])
WRITTEN = st.one_of(
    YEARS,
    st.tuples(YEARS, TWO).map("-".join),
    st.tuples(YEARS, TWO, TWO).map("-".join),
    st.builds(lambda y, m, d, h, i, z: f"{y}-{m}-{d}T{h}:{i}{z}", YEARS, TWO, TWO, TWO, TWO, ZONES),
    st.builds(lambda y, m, d, h, i, s, f, z: f"{y}-{m}-{d}T{h}:{i}:{s}{f}{z}", YEARS, TWO, TWO, TWO, TWO, TWO, FRACTIONS, ZONES),
    st.text(max_size=12),
)  # fmt: skip


@settings(max_examples=60)
@given(st.lists(WRITTEN, min_size=30, max_size=60))
def test_instants_agree(tmp_path_factory, written: list[str]) -> None:  # type: ignore[no-untyped-def]
    written = [text for text in written if "\x00" not in text and text.isprintable()]
    folder: Path = tmp_path_factory.mktemp("dates")
    values = ", ".join(f"({number}, {quoted(text)})" for number, text in enumerate(written)) or "(0, 'x')"
    taken = f"SELECT n, w, {is_date('w')} AS sure FROM (VALUES {values}) AS t(n, w)"
    lows = f"SELECT n, w, {when_low('w', DUCKDB)} AS low FROM ({taken}) WHERE sure"
    with Database(str(folder)) as database:
        rows = database.run(f"SELECT n, low, {when_high('w', 'low', DUCKDB)} FROM ({lows})")
    for number, low, high in rows:
        expected = parse_when(written[number])
        assert expected is not None, written[number]
        assert (low, high) == (expected.earliest, expected.latest), written[number]
    sure = {row[0] for row in rows}
    plain = [n for n, text in enumerate(written) if parse_when(text) and not text.startswith(("0000", "9999"))]
    assert set(plain) <= sure, "a plain date must be taken out, else every entry has a content of its own"
