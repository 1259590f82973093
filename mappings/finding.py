"""What is wrong with one record, as a value: a stable code, the field, and safe words; plus what our own codes mean."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong with one record; `field` is "" where no single field is to blame."""

    code: str
    field: str
    description: str


Findings: TypeAlias = dict[int, list[Finding]]
"""Findings by the position of their record in the page."""


@dataclass(frozen=True, slots=True)
class Advice:
    """What a code means in plain words, and what the reader can do about it."""

    title: str
    cause: str
    advice: str


CODES: Mapping[str, Advice] = {
    "invalid_value": Advice(
        "Value does not fit",
        "A converter of the job could not read the value of this field.",
        "Correct the value in the source, or name another converter or format in the job.",
    ),
    "unmapped_value": Advice(
        "Value has no entry",
        "The job's table of values for this field has no entry for what the source says.",
        "Add the value to `values` in the job; the next run tries it again.",
    ),
    "converter_failed": Advice(
        "Converter failed",
        "A converter broke on this record; only the kind of its error is shown, because its text may be personal.",
        "Try the converter on the record's value and make it raise nothing; the next run tries it again.",
    ),
    "field_count": Advice(
        "Wrong number of columns",
        "The line of the file has more or fewer columns than its header, so its values cannot be told apart.",
        "Look for an unquoted delimiter or line break in the line that is named.",
    ),
    "cell_error": Advice(
        "Error in a cell",
        "A cell of the workbook's row holds an error such as #REF!, or a formula whose result was never computed.",
        "Correct the formula, or open the workbook, let it compute, and save it again.",
    ),
    "undecodable": Advice(
        "Unreadable characters",
        "The text holds a NUL, or bytes that are not characters in the source's encoding.",
        "State the right `encoding` in the job, or correct the text in the source.",
    ),
    "missing_key": Advice(
        "No key",
        "The record has no value in the column that names it in the source, so it could not be found again.",
        "Give the record a key in the source, or name another `key` in the job.",
    ),
    "cursor_missing": Advice(
        "No last update",
        "The column of the last update holds no time here, or none that can be read, so a change would not be noticed.",
        "Fill the column in, or give the source a query that does; the record is looked at in every run.",
    ),
    "unsafe_reference": Advice(
        "Unsafe reference",
        "The reference is `.` or `..`, or holds control or invisible characters, and would not survive in an address.",
        "Correct the reference in the source.",
    ),
    "invalid_reference": Advice(
        "Reference that no address can hold",
        "The reference is empty, `.` or `..`, which servers take for steps and not for names.",
        "Correct the reference in the source.",
    ),
    "invalid_text": Advice(
        "Half a character",
        "A text holds half of a character (a lone surrogate), which cannot be sent.",
        "Correct the text in the source, or state the right `encoding` in the job.",
    ),
    "unreadable_file": Advice(
        "File that cannot be read",
        "The file that the record names could not be read, or not be fetched, when it was to be sent.",
        "See to the file's rights, or to the host that it is fetched from; it is tried again by itself.",
    ),
    "unsafe_path": Advice(
        "File outside the job's folder",
        "The file that the record names lies outside the folder of the job, and is not read.",
        "Put the file beneath the folder of the job, and name it relative to that.",
    ),
    "unsafe_address": Advice(
        "Address that is not allowed",
        "The record names an image at an address that the job does not allow: another host, or no https://.",
        "Name the host under `image_hosts` of the job's target, if images may be fetched from there.",
    ),
    "missing_file": Advice(
        "File not found",
        "The file that the record names is not there, or cannot be read.",
        "Put the file where the record says, or correct the record.",
    ),
    "poison": Advice(
        "Record that ends the process",
        "Three runs died at this record, and a trial in a process of its own died as well: it is kept away from.",
        "Look at the converters that the record goes through, and at its size; it is tried again once it has changed.",
    ),
    "control_character": Advice(
        "Control character",
        "The text holds characters that are not for reading, such as a bell or an escape.",
        "Remove them in the source.",
    ),
    "too_long": Advice(
        "Text too long",
        "The text is longer than the field may hold; it is never cut silently.",
        "Shorten it in the source, or have it cut with the converter `truncate`; the run tells how many were.",
    ),
    "too_short": Advice("Text too short", "The text is shorter than the field demands.", "Complete it in the source."),
    "too_large": Advice(
        "Request too large",
        "The target refuses the customer because the whole request is too large.",
        "Shorten its texts or use a smaller image.",
    ),
    "not_unique": Advice(
        "Reference used twice",
        "Another customer of this run, or of the target, bears the same reference.",
        "Decide which of the two keeps the reference, and change the other in the source.",
    ),
    "not_found": Advice(
        "Names something that does not exist",
        "The customer names a parent, payment type or other entry that the target does not have.",
        "Create or configure it in the target, or correct the value in the source; later runs try it again.",
    ),
    "not_updatable": Advice(
        "Cannot be changed any more",
        "The target holds the customer with another value in a field that it takes only with a new customer.",
        "Correct the value in the source, or have the customer corrected in the target.",
    ),
    "ambiguous_name": Advice(
        "Name of several things",
        "The customer names a category, payment type or other entry by a name that several of the target's have.",
        "Name it by its reference or id in the source, or with `values` in the job.",
    ),
    "invalid_id": Advice(
        "Id that is none of the target's",
        "The id that is remembered for this customer cannot be one of this target.",
        "Check that the job points at the same target as before; report it if it does.",
    ),
    "ambiguous_reference": Advice(
        "Reference of several customers",
        "The target holds more than one customer under this reference, so that none of them was changed.",
        "Decide which of them is the customer, and give the others in the target another reference.",
    ),
    "rule_error": Advice(
        "Check could not be carried out",
        "A check broke on this record instead of judging it, so the record was not sent.",
        "Report it together with the field's name; it is a fault of the check, not of the customer.",
    ),
    "server_error": Advice(
        "Target failed on this customer",
        "The target answered this customer with errors of its own, again and again, while others went through.",
        "It is tried again by itself; if it stays, send the reference and the time to the target's support.",
    ),
    "unconfirmed": Advice(
        "No answer",
        "The target did not answer for this customer, and does not show it with the values that were sent.",
        "It is tried again by itself; if it stays, look the customer up in the target.",
    ),
    "unclassified": Advice(
        "Refused without a known reason",
        "The target refused the customer without an error code that its documentation names.",
        "Look at the status in the description; if it keeps coming, ask the target's support.",
    ),
}


def merge(*stages: Mapping[int, Iterable[Finding]]) -> Findings:
    """Put the findings of several stages together; a field that an earlier stage complained about is not named again.

    So a name that could not be converted is not also reported as missing.
    """
    merged: Findings = {}
    for stage in stages:
        for position, findings in stage.items():
            known = merged.setdefault(position, [])
            blamed = {finding.field for finding in known}
            known.extend(finding for finding in findings if finding.field not in blamed)
    return {position: merged[position] for position in sorted(merged)}
