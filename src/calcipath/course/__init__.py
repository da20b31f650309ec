"""Response to treatment over time, from dated series and words."""

from calcipath.course.model import (
    Because,
    Course,
    CourseThresholds,
    DosePeriod,
    Point,
    Series,
    Verdict,
    Word,
)
from calcipath.course.response import assess_course

__all__ = ["Because", "Course", "CourseThresholds", "DosePeriod", "Point", "Series", "Verdict", "Word", "assess_course"]
