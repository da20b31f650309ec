"""What the page does when it is asked: each act calls the register or the core, then shows or redirects."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from starlette.responses import Response

from calcipath.errors import InputError
from calcipath.guideline.model import Guideline
from calcipath.interview.answers import resources_of
from calcipath.interview.entered import Entered
from calcipath.interview.questions import NO, UNKNOWN, opening_questions
from calcipath.output.markup import Markup
from calcipath.page.assessment_view import assessment_view, question_by_id
from calcipath.page.case_reading import CaseReading, Found
from calcipath.page.case_settings import check_settings, is_day
from calcipath.page.document_views import orders_view, patient_view, summary_view
from calcipath.page.dose_forms import options_of
from calcipath.page.dose_views import dose_page, dose_result
from calcipath.page.first_view import example, examples, first_view
from calcipath.page.follow_up_view import follow_up_view
from calcipath.page.language import _
from calcipath.page.layout import done
from calcipath.page.question_forms import given_of, when_of
from calcipath.page.record_view import record_view
from calcipath.page.responses import attachment, document, picture, see
from calcipath.page.visit import Visit
from calcipath.page.visit_forms import entries_of
from calcipath.register.access import Case, Level
from calcipath.register.entries import CASE_SYSTEM
from calcipath.register.exchange import is_exported_case, settings_of
from calcipath.register.refusals import NotYours
from calcipath.register.register import Register
from calcipath.register.upload import settled
from calcipath.sources.files import read_upload, sent_json
from calcipath.thiosulfate.options import DoseOptions

_ID = 64


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The page on a register. Each method takes a visit and gives a response; all are called in a thread."""

    register: Register
    reading: CaseReading

    @property
    def guideline(self) -> Guideline:
        """The guideline with the site's configuration."""
        return self.reading.assessor.guideline

    # first screen

    def first(self, visit: Visit, said: Markup | None = None) -> Response:
        """`GET /`"""
        cases = self.register.cases.of(visit.account)
        return document(first_view(visit, cases, self.guideline, said or done(visit)), 400 if said else 200)

    def upload(self, visit: Visit) -> Response:
        """A record is brought: a case of our own is brought back whole, any other becomes a new case."""
        sent = visit.form.files.get("record")
        if sent is None or not sent.data:
            raise InputError(_("Choose a file first"))
        bundle = _exported(sent.data)
        if bundle is not None:
            check_settings(settings_of(bundle))
            return self._open(visit, self.register.exchange.import_(visit.account, bundle))
        complete = ["medications", "allergies"] if visit.form.ticked("complete") else []
        found = settled(read_upload(sent.data))
        settings = {"complete": complete, "notes": True, "as_of": "record"}
        self.reading.assessed(
            found.resources, settings
        )  # what is not one patient's record is refused before it is kept
        label = _("Record brought on {day}", day=self.reading.now().strftime("%Y-%m-%d %H:%M"))
        return self._open(visit, self.register.cases.create(visit.account, label, found.resources, settings))

    def example(self, visit: Visit) -> Response:
        """A shipped example becomes a case."""
        try:
            bundle = example(visit.form.text("example"))
        except KeyError:
            raise InputError(_("There is no such example")) from None
        chosen = next(each for each in examples() if each.name == visit.form.text("example"))
        found = settled(read_upload(json.dumps(bundle).encode()))
        complete = ["medications", "allergies"] if chosen.complete else []
        settings = {"complete": complete, "notes": True, "as_of": "record"}
        return self._open(
            visit,
            self.register.cases.create(
                visit.account, _("Example: {title}", title=chosen.title), found.resources, settings
            ),
        )

    def begin(self, visit: Visit) -> Response:
        """A case from the opening questions."""
        patient: dict[str, Any] = {"resourceType": "Patient", "id": "patient"}
        kept = {f"Patient/{patient['id']}": patient}
        opened: dict[str, str] = {}
        for question in opening_questions(self.guideline):
            if opened.get(question.after, "") == NO:
                continue
            given = given_of(question, visit.form, f"{question.id}.")
            if given is None:
                continue
            opened[question.id] = NO if given == NO else "yes"
            entered = self._entered(visit, kept["Patient/patient"], self.reading.now().isoformat(timespec="seconds"))
            for resource in resources_of(question, given, entered, self.guideline):
                kept[f"{resource['resourceType']}/{resource['id']}"] = resource
        if opened:  # what was left empty beside an answer is not known: it is not asked again straight away
            opened |= {each.id: UNKNOWN for each in opening_questions(self.guideline) if each.id not in opened}
        label = visit.form.text("label") or _("Case begun on {day}", day=self.reading.now().strftime("%Y-%m-%d %H:%M"))
        settings = {"complete": [], "notes": True, "as_of": "now", "opened": opened or {"none": "yes"}, "passed": []}
        case = self.register.cases.create(visit.account, label, list(kept.values()), settings)
        return self._open(visit, case)

    # a case

    def assessment(self, visit: Visit, said: Markup | None = None) -> Response:
        """`GET /cases/{handle}`"""
        case, found = self._case(visit)
        answer, timeline = found.shown(visit.units, self.reading.assessor)
        today = self.reading.now().date().isoformat()
        return document(
            assessment_view(visit, case, found, answer, timeline, self.guideline, today, said or done(visit)),
            400 if said else 200,
        )

    def answer(self, visit: Visit) -> Response:
        """A question is answered: resources, and what is passed or opened among the settings."""
        case, _found = self._case(visit, "write")
        question = question_by_id(visit.form.text("question"), self.guideline)
        given = given_of(question, visit.form) if question is not None else None
        if question is None or given is None:
            raise InputError(_("Choose or fill in an answer first, or “Don’t know”"))
        settings = dict(case.settings)
        opening = question.id in {each.id for each in opening_questions(self.guideline)}
        if opening and "opened" in settings:
            settings["opened"] = {**settings["opened"], question.id: given if given in (NO, UNKNOWN) else "yes"}
        if given == UNKNOWN and question.fact:
            settings["passed"] = [*settings.get("passed", ()), question.fact]
        resources = self.register.cases.resources(visit.account, case.handle)
        entered = self._entered(visit, _patient(resources), when_of(visit.form, self.reading.now()))
        written = resources_of(question, given, entered, self.guideline)
        self._replace(visit, case, resources, written)
        if settings != case.settings:
            self.register.cases.set_settings(visit.account, case.handle, settings)
        back = visit.form.text("back")
        return see(f"{visit.base}/cases/{case.handle}{back if back in ('#next', '#unknowns', '#questions') else ''}")

    def orders(self, visit: Visit) -> Response:
        """`GET /cases/{handle}/orders`"""
        case, found = self._case(visit)
        return document(orders_view(visit, case, found.shown(visit.units, self.reading.assessor)[0]))

    def dose(self, visit: Visit) -> Response:
        """The dosing view: as recorded, or with what the controls say; only the result where a control moved."""
        case, found = self._case(visit)
        known = self.reading.recorded(case, found)
        options = _differing(options_of(visit.form), known) if visit.form.fields else DoseOptions()
        result = self.reading.dose(found, case.settings, options)
        answer = found.shown(visit.units, self.reading.assessor)[0]
        if visit.part:
            return document(dose_result(result, answer, self.guideline))
        given = {
            each.name: getattr(options, each.name)
            for each in fields(options)
            if getattr(options, each.name) is not None
        }
        shown = {**known, **given}
        return document(dose_page(visit, case, result, shown, self._salts(), answer, self.guideline))

    def free_dose(self, visit: Visit) -> Response:
        """The same without a record."""
        options = options_of(visit.form) if visit.form.fields else DoseOptions()
        result = self.reading.dose(None, {}, options)
        if visit.part:
            return document(dose_result(result, None, self.guideline))
        shown = {each.name: getattr(options, each.name) for each in fields(options)}
        return document(dose_page(visit, None, result, shown, self._salts(), None, self.guideline))

    def follow_up(self, visit: Visit, said: Markup | None = None) -> Response:
        """`GET /cases/{handle}/follow-up`"""
        case, found = self._case(visit)
        answer = found.shown(visit.units, self.reading.assessor)[0]
        photographs = self.register.photographs.of(visit.account, case.handle)
        resources = self.register.cases.resources(visit.account, case.handle)
        view = follow_up_view(
            visit, case, found, answer, photographs, resources, self.guideline, self.reading.now(), said or done(visit)
        )
        return document(view, 400 if said else 200)

    def add_visit(self, visit: Visit) -> Response:
        """Entries of a visit, all or none."""
        case, _found = self._case(visit, "write")
        resources = self.register.cases.resources(visit.account, case.handle)
        entered = self._entered(visit, _patient(resources), when_of(visit.form, self.reading.now()))
        standing = {f"{each['resourceType']}/{each['id']}": each for each in resources}
        self._replace(visit, case, resources, entries_of(visit.form, entered, self.guideline, standing))
        return see(f"{visit.base}/cases/{case.handle}/follow-up?done=visit")

    def add_photograph(self, visit: Visit) -> Response:
        """A photograph with its consent."""
        sent = visit.form.files.get("picture")
        if sent is None or not sent.data:
            raise InputError(_("Choose a picture first"))
        text = visit.form.text
        self.register.photographs.add(
            visit.account, visit.handle, sent.data, taken=text("taken"), site=text("site"), consent=text("consent")
        )
        return see(f"{visit.base}/cases/{visit.handle}/follow-up?done=photograph")

    def photograph(self, visit: Visit) -> Response:
        """The bytes of one."""
        try:
            found, data = self.register.photographs.read(visit.account, visit.handle, visit.name)
        except InputError:
            raise NotYours from None
        return picture(data, found.media_type)

    def summary(self, visit: Visit) -> Response:
        """For the chart."""
        case, found = self._case(visit)
        return document(summary_view(visit, case, found.shown(visit.units, self.reading.assessor)[0]))

    def patient(self, visit: Visit) -> Response:
        """For the patient."""
        case, found = self._case(visit)
        return document(patient_view(visit, case, found.answer, self.guideline))

    def record(self, visit: Visit, said: Markup | None = None) -> Response:
        """What the case holds."""
        case = self.register.cases.open(visit.account, visit.handle, noted=False)
        cases = self.register.cases
        shared = self.register.sharing.of(visit.account, case.handle) if case.level == "own" else ()
        resources, history = cases.resources(visit.account, case.handle), cases.history(visit.account, case.handle)
        return document(record_view(visit, case, resources, history, shared, said or done(visit)), 400 if said else 200)

    def settings(self, visit: Visit) -> Response:
        """How the case is read, its name, its next visit."""
        case = self.register.cases.open(visit.account, visit.handle, "write", noted=False)
        form, settings, there = visit.form, dict(case.settings), ""
        if form.text("as_of"):
            settings["as_of"] = "now" if form.text("as_of") == "now" else "record"
        if "next_visit" in form.fields:
            day, there = form.text("next_visit"), "/follow-up"
            if day and not is_day(day):
                raise InputError(_("The next visit needs a day such as 2026-01-31"))
            settings["next_visit"] = day
        if form.text("form") == "reading":
            settings["complete"] = [each for each in form.texts("complete") if each in ("medications", "allergies")]
            settings["notes"], there = form.ticked("notes"), "/record"
            if form.text("label") and form.text("label") != case.label:
                self.register.cases.relabel(visit.account, case.handle, form.text("label"))
        self.register.cases.set_settings(visit.account, case.handle, settings)
        return see(f"{visit.base}/cases/{case.handle}{there}?done=settings")

    def remove(self, visit: Visit) -> Response:
        """An entry is taken away."""
        key = visit.form.text("key")
        self.register.cases.remove(visit.account, visit.handle, key)
        return see(
            f"{visit.base}/cases/{visit.handle}/{'follow-up' if key.startswith('Media/') else 'record'}?done=removed"
        )

    def share(self, visit: Visit) -> Response:
        """Let another account see the case, or have it."""
        name, level = visit.form.text("name"), visit.form.text("level")
        if visit.form.text("act") == "give":
            self.register.sharing.hand_over(visit.account, visit.handle, name)
            return see(f"{visit.base}/?done=given")
        self.register.sharing.share(visit.account, visit.handle, name, "write" if level == "write" else "read")
        return see(f"{visit.base}/cases/{visit.handle}/record?done=shared")

    def unshare(self, visit: Visit) -> Response:
        """Take it back."""
        self.register.sharing.unshare(visit.account, visit.handle, visit.form.text("name"))
        return see(f"{visit.base}/cases/{visit.handle}/record?done=shared")

    def export(self, visit: Visit) -> Response:
        """The case as a FHIR bundle."""
        bundle = self.register.exchange.export(visit.account, visit.handle)
        return attachment(
            json.dumps(bundle, ensure_ascii=False, indent=1), "application/fhir+json", "calcipath-case.json"
        )

    def delete(self, visit: Visit) -> Response:
        """The case is deleted for good."""
        if not visit.form.ticked("sure"):
            raise InputError(_("Tick the box first: a deleted case cannot be brought back"))
        wiped = self.register.cases.delete(visit.account, visit.handle)
        self.reading.forget(visit.handle)
        return see(f"{visit.base}/?done={'deleted' if wiped else 'deleted-rows'}")

    # what they share

    def _case(self, visit: Visit, level: Level = "read") -> tuple[Case, Found]:
        case = self.register.cases.open(visit.account, visit.handle, level, noted=not visit.part)
        return case, self.reading.found(case, lambda: self.register.cases.resources(visit.account, case.handle))

    def _open(self, visit: Visit, case: Case) -> Response:
        return see(f"{visit.base}/cases/{case.handle}")

    def _salts(self) -> tuple[str, ...]:
        return tuple(self.guideline.thiosulfate.salts)

    def _entered(self, visit: Visit, patient: Mapping[str, Any], when: str) -> Entered:
        day = when[:10]

        def new_id(hint: str) -> str:
            name = f"{hint}.{day}"
            return name if len(name) <= _ID else f"{hint[:36]}-{hashlib.sha256(hint.encode()).hexdigest()[:12]}.{day}"

        return Entered(when, visit.account.name, patient, new_id)

    def _replace(
        self, visit: Visit, case: Case, resources: Sequence[Mapping[str, Any]], written: Sequence[Mapping[str, Any]]
    ) -> None:
        """Write entries, in one step with taking away what they correct: what has the same id and another type."""
        keys = {f"{each['resourceType']}/{each['id']}" for each in written}
        ids = {each["id"] for each in written}
        corrected = [
            key
            for each in resources
            if each["id"] in ids and each["resourceType"] not in ("Patient", "Media")
            for key in (f"{each['resourceType']}/{each['id']}",)
            if key not in keys
        ]
        if written:
            self.register.cases.add(visit.account, case.handle, written, instead_of=corrected)


def _patient(resources: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    return next(
        (each for each in resources if each.get("resourceType") == "Patient"),
        {"resourceType": "Patient", "id": "patient"},
    )


def _exported(data: bytes) -> Mapping[str, Any] | None:
    """The bundle of a case that was exported here; None for any other file, which is then read as a record."""
    if CASE_SYSTEM.encode() not in data or data.lstrip()[:1] != b"{":
        return None
    try:
        bundle = sent_json(data)
    except InputError:
        return None
    return bundle if isinstance(bundle, Mapping) and is_exported_case(bundle) else None


def _differing(options: DoseOptions, known: Mapping[str, Any]) -> DoseOptions:
    """The options without what the record says too, so that the record's own evidence stands."""
    same: dict[str, Any] = {
        each.name: None
        for each in fields(options)
        if each.name in known and getattr(options, each.name) == known[each.name]
    }
    return replace(options, **same)
