"""The Python interface: load a guideline, read a record, assess it.

>>> from calcipath.api import assess_path
>>> assess_path("examples/haemodialysis-breast-eschar.bundle.json").answer["suspicion"]["level"]  # doctest: +SKIP
'suspected'
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from calcipath.assessment.assess import Assessor
from calcipath.errors import GuidelineError, InputError
from calcipath.guideline.explanation import explanation_of
from calcipath.guideline.model import Guideline
from calcipath.guideline.reader import Site
from calcipath.options import AssessmentOptions
from calcipath.output.timeline import Timeline
from calcipath.record.dates import parse_when
from calcipath.record.model import Record, When
from calcipath.record.reader import ReadReport, RecordError
from calcipath.site_assessor import assessor_for
from calcipath.timeline_of_record import timeline_of

if TYPE_CHECKING:
    from calcipath.thiosulfate.answer import Dosed
    from calcipath.thiosulfate.comparison import Progress
    from calcipath.thiosulfate.options import DoseOptions

_DEFAULT_OPTIONS = AssessmentOptions()


@dataclass(frozen=True, slots=True)
class AssessedRecord:
    """`answer` is the contract's object; `timeline` the dated facts that the page draws; `record` what was read."""

    answer: Mapping[str, Any]
    timeline: Timeline
    record: Record


def load_guideline(config: str = "") -> Guideline:
    """The shipped guideline, with a site's configuration file applied. Raises `GuidelineError`."""
    return assessor_for(config)[0].guideline


def assess_path(path: str, options: AssessmentOptions = _DEFAULT_OPTIONS) -> AssessedRecord:
    """Assess a bundle, folder or NDJSON of one patient ('-' for standard input).

    Raises `InputError` for a record that cannot be read, `GuidelineError` for a wrong configuration.
    """
    from calcipath.sources.files import read_path

    assessor, site = assessor_for(options.config)
    return _assess(read_path(path, patient=options.patient), options, assessor, site)


def assess_server(url: str, patient: str, options: AssessmentOptions = _DEFAULT_OPTIONS) -> AssessedRecord:
    """Assess a patient of a FHIR R4 server. Raises `ServerError`, `InputError`, `GuidelineError`."""
    from calcipath.sources.server import read_server

    assessor, site = assessor_for(options.config)
    return _assess(read_server(url, patient), options, assessor, site)


def assess_resources(
    resources: Sequence[Mapping[str, Any]], options: AssessmentOptions = _DEFAULT_OPTIONS
) -> AssessedRecord:
    """Assess FHIR resources that are already in memory as dictionaries."""
    from calcipath.sources.files import source_of

    assessor, site = assessor_for(options.config)
    return _assess(source_of(resources), options, assessor, site)


def dose_path(
    path: str, dosing: DoseOptions, options: AssessmentOptions = _DEFAULT_OPTIONS, progress: Progress | None = None
) -> Dosed:
    """The dosing answer for a record ('-' for standard input); what `dosing` states stands instead of the record's.

    Raises `InputError` for a record that cannot be read or an option that cannot be, `GuidelineError` for a wrong
    configuration.
    """
    from calcipath.sources.files import read_path

    assessor, site = assessor_for(options.config)
    return _dose(read_path(path, patient=options.patient), dosing, options, assessor, site, progress)


def dose_server(
    url: str,
    patient: str,
    dosing: DoseOptions,
    options: AssessmentOptions = _DEFAULT_OPTIONS,
    progress: Progress | None = None,
) -> Dosed:
    """The dosing answer for a patient of a FHIR R4 server. Raises `ServerError`, `InputError`, `GuidelineError`."""
    from calcipath.sources.server import read_server

    assessor, site = assessor_for(options.config)
    return _dose(read_server(url, patient), dosing, options, assessor, site, progress)


def dose_resources(
    resources: Sequence[Mapping[str, Any]], dosing: DoseOptions, options: AssessmentOptions = _DEFAULT_OPTIONS
) -> Dosed:
    """The dosing answer for FHIR resources that are already in memory as dictionaries."""
    from calcipath.sources.files import source_of

    assessor, site = assessor_for(options.config)
    return _dose(source_of(resources), dosing, options, assessor, site, None)


def _dose(
    source: Any,
    dosing: DoseOptions,
    options: AssessmentOptions,
    assessor: Assessor,
    site: Site,
    progress: Progress | None,
) -> Dosed:
    from calcipath.dosing import own_scenarios

    report, moment = _read(source, options, site)
    return assessor.dose(
        report.record,
        dosing,
        as_of=moment.latest if moment else 0.0,
        read_notes=options.notes,
        scenarios=own_scenarios(dosing, assessor.guideline.thiosulfate),
        progress=progress,
    )


def _read(source: Any, options: AssessmentOptions, site: Site) -> tuple[ReadReport, When | None]:
    """The record, and the moment for which it is assessed."""
    from calcipath.record.reader import read_resources

    as_of = _instant(options.as_of) if options.as_of else None
    try:
        report = read_resources(
            source.resources,
            as_of=options.as_of or None,
            complete=frozenset(options.complete) | source.complete,
            code_systems=site.code_systems,
        )
    except RecordError as error:
        raise InputError(str(error)) from None
    return report, as_of or report.record.ends


def _assess(source: Any, options: AssessmentOptions, assessor: Assessor, site: Site) -> AssessedRecord:
    report, moment = _read(source, options, site)
    record = report.record
    at = moment.latest if moment else 0.0
    found = assessor.assess(
        record, as_of=at, as_of_text=moment.written if moment else "unknown", read_notes=options.notes
    )
    reading = {**found.answer["reading"], "not_used_types": dict(report.ignored), "void": dict(report.dropped)}
    return AssessedRecord({**found.answer, "reading": reading}, timeline_of(found, assessor.guideline), record)


def _instant(text: str) -> When:
    when = parse_when(text)
    if when is None:
        raise InputError(f"--as-of '{text}' is not a date such as 2026-01-15 or an instant with its time zone")
    return when


def recommendations(*, config: str = "") -> list[Mapping[str, Any]]:
    """Every recommendation of the guideline, as `explain` shows them."""
    guideline = load_guideline(config)
    return [explanation_of(item, guideline) for item in guideline.recommendations]


def explain(identifier: str, *, config: str = "") -> Mapping[str, Any]:
    """One recommendation with its logic, sources and facts. Raises `InputError` for an unknown id."""
    guideline = load_guideline(config)
    for item in guideline.recommendations:
        if item.id == identifier:
            return explanation_of(item, guideline)
    import difflib

    near = difflib.get_close_matches(identifier, [r.id for r in guideline.recommendations], 1)
    hint = f"; did you mean '{near[0]}'?" if near else "; see 'calcipath guideline list'"
    raise InputError(f"there is no recommendation '{identifier}'{hint}")


def check_guideline(*, config: str = "") -> list[str]:
    """Faults of the content that reading does not find: contradictions, recommendations without tests."""
    from calcipath.guideline.completeness import unused
    from calcipath.guideline_tests import check_tests

    try:
        guideline = load_guideline(config)
    except GuidelineError as error:
        return [str(error)]
    return [*unused(guideline), *check_tests(guideline)]
