"""Event tables: what NONMEM's records mean, and that a written table reads back to the same subjects."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calcipath.errors import InputError
from calcipath.thiosulfate.event_table import (
    Carry,
    Dose,
    Level,
    Session,
    Subject,
    ignored_columns,
    read_event_table,
    write_event_table,
)

HEADER = "ID,TIME,AMT,RATE,EVID,CMT,DV,ADDL,II,SS,MDV,BLQ,LLOQ,DIAL,WT\n"
hours = st.integers(0, 10**9).map(lambda n: n / 10**6)
lengths = st.one_of(st.just(0.0), st.integers(1, 10**8).map(lambda n: n / 10**5))
doses = st.builds(Dose, hours, st.floats(1e-3, 1e4), lengths)
limits = st.one_of(st.none(), st.floats(1e-6, 1e-3))
levels = st.one_of(
    st.builds(lambda time, limit: Level(time, limit, True, limit), hours, st.floats(1e-6, 1.0)),
    st.builds(
        lambda time, more, limit: Level(time, (limit or 0.0) + more, False, limit), hours, st.floats(0, 10), limits
    ),
)


@st.composite
def sessions(draw: st.DrawFn) -> tuple[Session, ...]:
    """Sessions, some of which begin the moment another ends."""
    edges = sorted(draw(st.sets(hours, max_size=8)))
    touching = draw(st.booleans())
    pairs = list(pairwise(edges))
    return tuple(Session(*pair) for pair in (pairs if touching else pairs[::2]))


@st.composite
def subjects(draw: st.DrawFn) -> tuple[Subject, ...]:
    found = []
    for name in draw(st.lists(st.from_regex(r"[A-Za-z0-9-]{1,6}", fullmatch=True), unique=True, max_size=3)):
        given_doses = draw(st.lists(doses, max_size=5))
        weight = draw(st.one_of(st.none(), st.floats(20.0, 200.0)))
        found.append(
            Subject(name, tuple(given_doses), tuple(draw(st.lists(levels, max_size=5))), draw(sessions()), weight)
        )
    return tuple(found)


@given(table=subjects(), carry=st.sampled_from(["backward", "forward"]))
def test_a_written_table_reads_back_to_the_same_subjects(table: tuple[Subject, ...], carry: Carry) -> None:
    assert read_event_table(write_event_table(table, carry=carry), carry=carry) == table


def test_the_same_rows_mean_different_sessions_under_the_two_rules() -> None:
    text = "ID,TIME,EVID,AMT,DIAL\n1,0,1,100,0\n1,4,2,.,1\n1,10,2,.,0\n"
    (backward,) = read_event_table(text, carry="backward")
    (forward,) = read_event_table(text, carry="forward")
    assert backward.sessions == ((0.0, 4.0),)  # the value of the record at 4 h holds since the record at 0 h
    assert forward.sessions == ((4.0, 10.0),)


def test_a_record_without_dial_says_nothing_about_dialysis() -> None:
    text = "ID,TIME,EVID,DV,DIAL\n1,0,2,.,0\n1,2,0,0.5,.\n1,3,2,.,1\n1,5,2,.,0\n"
    assert read_event_table(text, carry="backward")[0].sessions == ((0.0, 3.0),)
    assert read_event_table(text, carry="forward")[0].sessions == ((3.0, 5.0),)


def test_a_table_by_hand() -> None:
    text = """time, id ,EVID,Amt,rate,DV,MDV,BLQ,LLOQ,WT,SITE
0,a,1,100.8,100.8,.,1,,,70,x
1,a,0,.,.,2.5,0,0,0.1,70,x

24,a,0,.,.,.,0,1,0.1,70,x
25,a,0,.,.,9.9,1,.,.,70,x
0,b,1,50,0,0,1,.,.,.,y
"""
    a, b = read_event_table(text)
    assert a == Subject("a", (Dose(0, 100.8, 1.0),), (Level(1, 2.5, False, 0.1), Level(24, 0.1, True, 0.1)), (), 70.0)
    assert b == Subject("b", (Dose(0, 50.0, 0.0),))
    assert ignored_columns(text) == ("SITE",)


def test_repeated_doses_are_expanded() -> None:
    (subject,) = read_event_table("ID,TIME,AMT,RATE,EVID,ADDL,II\n1,2,100,50,1,2,48\n")
    assert subject.doses == ((2, 100, 2), (50, 100, 2), (98, 100, 2))


def test_evid_is_inferred_from_the_amount_as_nm_tran_does() -> None:
    (subject,) = read_event_table("ID,TIME,AMT,DV\n1,0,10,.\n1,1,.,3\n")
    assert subject.doses == ((0, 10, 0),)
    assert subject.levels == ((1, 3, False, None),)


def test_a_reset_cuts_what_runs_and_begins_a_new_occasion() -> None:
    text = (
        "ID,TIME,AMT,RATE,EVID,ADDL,II,DV\n7,0,40,10,1,3,24,.\n7,26,.,.,3,.,.,.\n7,27,.,.,0,.,.,0.2\n7,0,5,0,4,.,.,.\n"
    )
    first, second, third = read_event_table(text)
    assert first.doses == ((0, 40, 4), (24, 20, 2))  # half of the second infusion; the third and fourth never come
    assert (second.occasion, second.levels, second.doses) == (2, ((27, 0.2, False, None),), ())
    assert (third.occasion, third.doses) == (3, ((0, 5, 0),))


@pytest.mark.parametrize("carry", ["backward", "forward"])
def test_occasions_survive_the_round_trip(carry: Carry) -> None:
    table = (
        Subject("7", (Dose(0, 40, 4),), (), (Session(0, 4),)),
        Subject("7", (Dose(30, 40, 4),), (Level(35, 1.0),), (Session(30, 34),), occasion=2),
        Subject("7", (Dose(0, 40, 4),), (), (), occasion=3),  # its clock starts again
    )
    assert read_event_table(write_event_table(table, carry=carry), carry=carry) == table


def test_the_switch_records_of_a_session() -> None:
    """By hand: NONMEM's rule needs 0 where the session starts and 1 where it ends; carried forward it is the reverse."""
    subject = Subject("1", (Dose(3, 100, 1),), (), (Session(0, 4),))
    for carry, wanted in (("backward", ["0", "1", "1"]), ("forward", ["1", "1", "0"])):
        rows = [line.split(",") for line in write_event_table([subject], carry=carry).splitlines()]
        place = rows[0].index("DIAL")
        assert [row[place] for row in rows[1:]] == wanted
        assert [row[rows[0].index("TIME")] for row in rows[1:]] == ["0", "3", "4"]


@pytest.mark.parametrize(
    ("rows", "line", "column", "word"),
    [
        ("1,0,10,-1,1,,,,,,,,,,", 2, "RATE", "modelled"),
        ("1,0,10,-2,1,,,,,,,,,,", 2, "RATE", "modelled"),
        ("1,0,10,-5,1,,,,,,,,,,", 2, "RATE", "negative"),
        ("1,0,10,0.0001,1,,,,,,,,,,", 2, "RATE", "units"),
        ("1,0,10,0,1,,,,,1,,,,,", 2, "SS", "clearance, which the table does not hold"),
        ("1,0,10,0,1,,,,,1,,,,0,\n1,4,,,2,,,,,,,,,1,", 2, "SS", "dialysis"),
        ("1,5,10,0,1,,,,,,,,,,\n1,4,10,0,1,,,,,,,,,,", 3, "TIME", "sort"),
        ("1,0,10,0,1,,,,,,,,,,\n2,0,10,0,1,,,,,,,,,,\n1,4,10,0,1,,,,,,,,,,", 4, "ID", "together"),
        ("1,0,,0,1,,,,,,,,,,", 2, "AMT", "amount"),
        ("1,0,-3,0,1,,,,,,,,,,", 2, "AMT", "above zero"),
        ("1,0,x,0,1,,,,,,,,,,", 2, "AMT", "not a number"),
        ("1,0,nan,0,1,,,,,,,,,,", 2, "AMT", "not a number"),
        ("1,8:30,1,0,1,,,,,,,,,,", 2, "TIME", "clock"),
        (".,0,1,0,1,,,,,,,,,,", 2, "ID", "missing"),
        ("1,.,1,0,1,,,,,,,,,,", 2, "TIME", "missing"),
        ("1,0,1,0,5,,,,,,,,,,", 2, "EVID", "not one of 0 to 4"),
        ("1,0,1,0,1,2,,,,,,,,,", 2, "CMT", "central"),
        ("1,0,1,0,1,,,3,,,,,,,", 2, "II", "together"),
        ("1,0,1,0,1,,,,24,,,,,,", 2, "II", "together"),
        ("1,0,1,0,1,,,1.5,24,,,,,,", 2, "ADDL", "not one of"),
        ("1,0,1,0,0,,2,,,,,,,,", 2, "AMT", "EVID"),
        ("1,0,,,0,,,,,,,,,,", 2, "DV", "MDV"),
        ("1,0,,,0,,-1,,,,,,,,", 2, "DV", "negative"),
        ("1,0,5,,1,,3,,,,,,,,", 2, "DV", "no level"),
        ("1,0,,,0,,,,,,,1,,,", 2, "LLOQ", "limit"),
        ("1,0,,,0,,0.05,,,,,0,0.1,,", 2, "BLQ", "below"),
        ("1,0,,,0,,0.2,,,,,1,0.1,,", 2, "BLQ", "above"),
        ("1,0,,,2,,,,,,,,,2,", 2, "DIAL", "0 to 1"),
        ("1,0,,,2,,,,,,,,,,70\n1,1,,,2,,,,,,,,,,72", 3, "WT", "changes"),
        ("1,0,,,2,,,,,,,,,,-70", 2, "WT", "above zero"),
        ("1,0,,,2,,,,,,,,,0,\n1,1,,,0,,1,,,,,,,,", 3, "DIAL", "carried backward"),
        ("1,0,1,0,1", 2, "CMT", "'.'"),
        ("1,2,,,0,,1,,,,,,,,\n1,2,10,0,1,,,,,,,,,,", 2, "TIME", "apart"),
        ("1,0,10,0,1,,,1,2,,,,,,\n1,2,,,0,,1,,,,,,,,", 3, "TIME", "apart"),
    ],
)
def test_a_fault_names_its_place(rows: str, line: int, column: str, word: str) -> None:
    with pytest.raises(InputError) as caught:
        read_event_table(HEADER + rows + "\n")
    assert f"line {line}, column {column}: " in str(caught.value)
    assert word in str(caught.value)


@pytest.mark.parametrize(
    ("rows", "word"),
    [("1,0,2,.\n1,2,2,1\n1,4,2,0", "no record up to here"), ("1,0,2,1\n1,2,2,1", "has no end")],
)
def test_dialysis_that_is_not_stated_is_refused_when_carried_forward(rows: str, word: str) -> None:
    with pytest.raises(InputError, match=word):
        read_event_table("ID,TIME,EVID,DIAL\n" + rows, carry="forward")


@pytest.mark.parametrize(
    ("text", "word"),
    [("", "empty"), ("TIME,DV\n", "column ID"), ("ID,DV\n", "column TIME"), ("ID,TIME,time\n", "twice")],
)
def test_a_header_that_cannot_be_used(text: str, word: str) -> None:
    with pytest.raises(InputError, match=word):
        read_event_table(text)


@given(st.text(alphabet="ID,TMEAV.012-\n\"#x'", max_size=80))
def test_any_text_gives_subjects_or_one_sentence(text: str) -> None:
    try:
        read_event_table("ID,TIME,EVID,AMT,DIAL\n" + text)
    except InputError as problem:
        assert str(problem).startswith("line ")


@pytest.mark.parametrize("name", ["", ".", "a,b", " a", "#1", "a\nb", 'a"'])
def test_an_id_that_a_table_cannot_hold(name: str) -> None:
    with pytest.raises(InputError, match="ID"):
        write_event_table([Subject(name)])


def test_occasions_out_of_order_and_an_unknown_rule_are_refused() -> None:
    with pytest.raises(InputError, match="occasion 2 where 1 is due"):
        write_event_table([Subject("1", occasion=2)])
    with pytest.raises(InputError, match="two places"):
        write_event_table([Subject("1"), Subject("2"), Subject("1", occasion=2)])
    with pytest.raises(InputError, match="carry"):
        read_event_table(HEADER, carry="both")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ({"doses": (Dose(0, 0),)}, "dose"),
        ({"doses": (Dose(0, 1, -1),)}, "infusion"),
        ({"doses": (Dose(float("nan"), 1),)}, "time"),
        ({"levels": (Level(0, -1),)}, "level"),
        ({"levels": (Level(0, 0, True),)}, "lower limit"),
        ({"levels": (Level(0, 1, True, 0.0),)}, "limit"),
        ({"levels": (Level(0, 0.5, False, 1.0),)}, "not marked"),
        ({"sessions": (Session(4, 4),)}, "does not end"),
        ({"sessions": (Session(0, 4), Session(3, 5))}, "before"),
        ({"weight": 0.0}, "weight"),
    ],
)
def test_a_subject_refuses_what_cannot_be(arguments: dict[str, tuple[Dose, ...]], word: str) -> None:
    with pytest.raises(InputError, match=word):
        Subject("1", **arguments)  # type: ignore[arg-type]
