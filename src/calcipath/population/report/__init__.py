"""What comes out of a population's run: worklist, numbers, page, FHIR, comparison. `write_report` writes it all."""

from calcipath.population.report.write import ReportOptions, write_report

__all__ = ["ReportOptions", "write_report"]
