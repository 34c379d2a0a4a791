"""Times of day and dates."""

from __future__ import annotations

import re

from backend.problems.answers.kinds import Day, TimeOfDay, Value
from backend.problems.answers.scalars import Inner

MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip
_NAMES = "|".join(f"{name[:3]}(?:{name[3:]})?" if len(name) > 3 else name for name in MONTHS)
_MONTH = rf"(?P<month>{_NAMES}|sept)\.?"
_HALF = r"(?P<half>[ap])\.? ?m\.?"
_CLOCKS = (
    re.compile(rf"(?P<hour>\d{{1,2}}):(?P<minute>\d\d)(?::(?P<second>\d\d))?(?:\s*{_HALF})?", re.I),
    re.compile(rf"(?P<hour>\d{{1,2}})\s*{_HALF}", re.I),
)
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR = r"(?P<year>\d{4})"
_DAYS = (
    re.compile(rf"{_MONTH}\s*{_DAY}(?:,?\s*{_YEAR})?", re.I),
    re.compile(rf"(?:the\s+)?{_DAY}\s*(?:of\s+)?{_MONTH}(?:,?\s*{_YEAR})?", re.I),
    re.compile(rf"{_YEAR}-(?P<month>\d\d)-(?P<day>\d\d)"),
    re.compile(rf"(?P<month>\d{{1,2}})/(?P<day>\d{{1,2}})/{_YEAR}"),
    re.compile(rf"(?P<day>\d{{1,2}})\.(?P<month>\d{{1,2}})\.{_YEAR}"),
)
_WEEKDAY = re.compile(r"(?:mon|tues|wednes|thurs|fri|satur|sun)day,?\s+(?=.*\d)", re.I)


def read_clock(text: str, inner: Inner) -> Value | None:
    """`11:30`, `11:30 PM`, `3 p.m.`, `14:05:09`."""
    for pattern in _CLOCKS:
        if found := pattern.fullmatch(text):
            told = found.groupdict()
            hour, minute = int(told["hour"]), int(told.get("minute") or 0)
            second = told.get("second")
            half = (told.get("half") or "").lower()
            if hour > (12 if half else 24) or minute > 59 or int(second or 0) > 59:
                return None
            if half:
                hour = hour % 12 + (12 if half == "p" else 0)
            return TimeOfDay(hour, minute, None if second is None else int(second))
    return None


def read_day(text: str, inner: Inner) -> Value | None:
    """`March 5, 2021`, `5 March`, `2021-03-05`, `3/5/2021`, `5.3.2021`."""
    text = _WEEKDAY.sub("", text)
    for pattern in _DAYS:
        if found := pattern.fullmatch(text):
            told = found.groupdict()
            month = told["month"].lower().removesuffix(".")
            number = int(month) if month.isdigit() else _month(month)
            day, year = int(told["day"]), told.get("year")
            slashed = "/" in text
            if slashed and number > 12 >= day:
                number, day = day, number
            if not (1 <= number <= 12 and 1 <= day <= 31):
                return None
            either = slashed and day <= 12 and day != number
            return Day(None if year is None else int(year), number, day, either)
    return None


def _month(name: str) -> int:
    return next(place for place, each in enumerate(MONTHS, 1) if each.startswith(name[:3]))
