"""Everything that is planted in a file of customers, each fault beside what must be said of it.

What is expected stands here in the words of the target's documentation and of the findings; nothing is worked out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

TRIES = 5  # then a customer is looked up

_PNG = b"\x89PNG\r\n\x1a\n"
IMAGES = {
    "logo.png": _PNG,
    "full.png": _PNG.ljust(2 * 1024 * 1024, b"\x00"),
    "large.png": _PNG.ljust(2 * 1024 * 1024 + 1, b"\x00"),
    "letter.png": b"Dear customer, this is no image.",
    "large_letter.png": b"Dear customer, " * 150_000,
}


@dataclass(frozen=True, slots=True)
class Sound:
    """A customer that is merely odd, and must arrive, in so many sends where the target fails on it at first."""

    cells: Mapping[str, str] = field(default_factory=dict)
    answer: Mapping[str, object] | None = None
    sends: int = 1


@dataclass(frozen=True, slots=True)
class Filtered:
    """A customer that the job's filter leaves out, whatever else is wrong with it."""

    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Orphan:
    """A customer whose parent is nowhere, or itself waits: it is not sent, and no reject."""

    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Again:
    """A customer under the reference of an earlier one, as `written`, and what else is wrong with it."""

    written: str
    cells: Mapping[str, str] = field(default_factory=dict)
    findings: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Garbled:
    """A line that cannot be read: bytes that are put in place of its first comma."""

    comma: bytes
    code: str


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a customer: cells (`{no}` is its own reference), and what must be said of it."""

    cells: Mapping[str, str]
    findings: Sequence[tuple[str, str]]  # code and field
    stage: str = "check"


@dataclass(frozen=True, slots=True)
class Refused:
    """What the target answers to a sound customer, each of so many times, and what must be said of that."""

    answer: Mapping[str, object]
    code: str
    blamed: str
    status: str = "400"  # "" for none
    cells: Mapping[str, str] = field(default_factory=dict)
    sends: int = 1


INVALID = (
    # What the target documents, said by us before it has to.
    Fault({"company": ""}, [("missing_param", "name")]),
    Fault({"company": "   "}, [("missing_param", "name")]),
    Fault({"no": ""}, [("missing_param", "reference")]),
    Fault({"no": " \t"}, [("missing_param", "reference")]),
    Fault({"no": "", "company": ""}, [("missing_param", "reference"), ("missing_param", "name")]),
    Fault({"credit": "viel"}, [("invalid_param_type", "creditLimit")]),
    Fault({"credit": "1.234,56"}, [("invalid_param_type", "creditLimit")]),
    Fault({"credit": "NaN"}, [("invalid_param_type", "creditLimit")]),
    Fault({"active": "maybe"}, [("invalid_param_type", "isActive")]),
    Fault({"active": "1"}, [("invalid_param_type", "isActive")]),
    Fault({"lat": "52,5"}, [("invalid_param_type", "billingLat")]),
    Fault({"due_type": "1", "due_days": "dreißig"}, [("invalid_param_type", "dueDateConfigNumber")]),
    Fault({"due_type": "2", "due_days": "7.5"}, [("invalid_param_type", "dueDateConfigNumber")]),
    Fault({"due_type": "1", "due_days": ""}, [("missing_param", "dueDateConfigNumber")]),
    Fault({"due_type": "3", "due_days": "30"}, [("invalid_param_type", "dueDateConfigType")]),
    Fault(
        {"due_type": "soon", "due_days": ""},
        [("invalid_param_type", "dueDateConfigType"), ("missing_param", "dueDateConfigNumber")],
    ),
    Fault({"sub": "true", "parent": ""}, [("missing_param", "parentCustomer")]),
    Fault({"sub": "true", "parent": "{no}"}, [("not_found", "parentCustomer")]),
    Fault({"parent": " {no} "}, [("not_found", "parentCustomer")]),
    Fault({"currency": "EURO"}, [("not_found", "currency")]),
    Fault({"logo": "large.png"}, [("exceeded_file_size", "imageFile")]),
    Fault({"logo": "letter.png"}, [("unsupported_file_type", "imageFile")]),
    Fault({"logo": "large_letter.png"}, [("exceeded_file_size", "imageFile"), ("unsupported_file_type", "imageFile")]),
    # What would not survive the way there.
    Fault({"no": "."}, [("unsafe_reference", "reference")]),
    Fault({"no": " .. "}, [("unsafe_reference", "reference")]),
    Fault({"no": "{no}\x00"}, [("undecodable", "no"), ("unsafe_reference", "reference")]),
    Fault({"no": "{no}\x07"}, [("unsafe_reference", "reference")]),
    Fault({"no": "{no}\nB"}, [("unsafe_reference", "reference")]),
    Fault({"no": "{no}\u200b"}, [("unsafe_reference", "reference")]),
    Fault({"parent": "C\x1b[2J"}, [("unsafe_reference", "parentCustomer")]),
    Fault({"logo": "nowhere.png"}, [("missing_file", "imageFile")]),
    Fault({"company": "Nul\x00l"}, [("undecodable", "company")]),
    Fault({"company": "x" * 65_537}, [("too_long", "company")]),
    # What the job's own mapping makes of it.
    Fault({"email": "nobody-at-nowhere"}, [("invalid_value", "email")], "map"),
    Fault({"land": "Atlantis"}, [("invalid_value", "billingCountry")], "map"),
    Fault({"grade": "Z"}, [("unmapped_value", "customerRiskColor")], "map"),
    Fault({"note": "bad luck"}, [("converter_failed", "comment")], "map"),
    Fault({"logo": "../beside.png"}, [("unsafe_path", "imageFile")], "map"),
    Fault({"company": "", "land": "Atlantis"}, [("invalid_value", "billingCountry"), ("missing_param", "name")], "map"),
    # What the target has no entry for.
    Fault({"payments": "7|99"}, [("not_found", "paymentTypes")], "reference"),
    Fault({"payments": "7|bitcoin"}, [("not_found", "paymentTypes")], "reference"),
    # What cannot be read at all.
    Fault({"id": ""}, [("missing_key", "id")], "extract"),
)

REFUSED = (
    # Of its own accord, because of what the customer says.
    Refused({}, "not_found", "currency", "404", {"currency": "ZZZ"}),
    Refused({}, "not_found", "currency", "404", {"currency": "CHF"}),
    # Documented, and forced, because no customer that passes our checks provokes it.
    Refused({"error": "missing_param", "error_description": "name parameter is missing"}, "missing_param", "name"),
    Refused({"error": "not_unique", "error_description": "reference already used"}, "not_unique", "reference"),
    Refused(
        {
            "error": "invalid_param_type",
            "error_description": "The type of parameter creditLimit you provided is not valid for this request.",
        },
        "invalid_param_type",
        "creditLimit",
    ),
    Refused(
        {
            "error": "invalid_param_type",
            "error_description": "The type of parameter payment type id you provided is not valid for this request.",
        },
        "invalid_param_type",
        "paymentTypes",
    ),
    Refused(
        {
            "error": "invalid_param",
            "error_description": "The parameters [grade] you provided are not valid for this request.",
        },
        "invalid_param",
        "",
    ),
    Refused({"error": "save_failed", "error_description": "Failed to save instance."}, "save_failed", ""),
    Refused(
        {"error": "exceeded_file_size", "error_description": "image size should not exceed 2Mo"},
        "exceeded_file_size",
        "imageFile",
        cells={"logo": "logo.png"},
    ),
    Refused(
        {"error": "unsupported_file_type", "error_description": "image format not supported."},
        "unsupported_file_type",
        "imageFile",
        cells={"logo": "logo.png"},
    ),
    Refused(
        {"status": 404, "error": "not_found", "error_description": "The customer cannot be a subcustomer of itself."},
        "not_found",
        "parentCustomer",
        "404",
    ),
    # Not documented.
    Refused({"error": "customer_frozen", "error_description": "{company} is frozen."}, "customer_frozen", ""),
    Refused({"status": 409, "body": "<html>Conflict</html>"}, "unclassified", "", "409"),
    Refused({"status": 400, "body": "{}"}, "unclassified", "", "400"),
    Refused({"status": 413, "body": "<html>Request Entity Too Large</html>"}, "too_large", "", "413"),
)

# Tried five times each, with real pauses: few, and on one page, so that they wait together. Ten customers that fail in
# a row would open the circuit.
FAILING = (
    Refused({"status": 500, "error": "server_error"}, "server_error", "", "500", sends=TRIES),
    Refused({"status": 500, "error": "server_error"}, "server_error", "", "500", sends=TRIES),
    Refused({"status": 503, "body": "<html>Busy</html>"}, "server_error", "", "503", sends=TRIES),
    Refused({"drop": True}, "unconfirmed", "", "", sends=TRIES),
)
RECOVERING = (
    Sound(answer={"status": 500, "error": "server_error", "times": 2}, sends=3),
    Sound(answer={"status": 500, "error": "server_error", "after_commit": True}, sends=TRIES),
    Sound(answer={"drop": True, "after_commit": True, "times": 1}, sends=2),
)

ODD = (
    Sound({"company": 'Two\nlines, and a "quoted" word'}),
    Sound({"company": "=1+1 & <Söhne>; 'x' %41 +"}),
    Sound({"company": "株式会社 🌻"}),
    Sound({"no": " {no}\u00a0"}),
    Sound({"no": "{no}/a b?c=d#e%2Fé+&.."}),
    Sound({"no": "=..{no}"}),
    Sound({"logo": "full.png"}),
    Sound({"logo": "logo.png", "payments": "8"}),
    Sound({"due_type": "2", "due_days": "0"}),
)

GARBLED = (Garbled(b"", "field_count"), Garbled(b",,", "field_count"), Garbled(b"\xff,", "undecodable"))

LEFT_OUT = (
    Filtered({"status": "D"}),
    Filtered({"status": "", "company": "", "land": "Atlantis"}),
    Filtered({"status": "a", "no": ".."}),
)

NOBODY = "NOBODY"
ORPHANS = (
    Orphan({"parent": NOBODY, "sub": "true"}),
    Orphan({"parent": NOBODY}),
)

Planted: TypeAlias = Sound | Filtered | Orphan | Again | Garbled | Fault | Refused
