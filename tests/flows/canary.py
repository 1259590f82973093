"""Customers, secrets and answers that nothing but the target may ever see, and the search for them."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from connectors.sandbox.fault import Faults, Forced

PASSWORD = "Pw-Vulture-51c9"
USERNAME = "clerk.heron@desk.example"
KEY = "Key-Condor-88aa"

# Each reference's personal values; no two customers share a word, and no word is one that we say ourselves.
PEOPLE: Mapping[str, tuple[str, str, str, str, str]] = {
    f"REF-{number:02}": (
        f"Zanzibar{number:02}ova Quux{number:02}man",
        f"heron{number:02}@ibis{number:02}.example",
        f"+49 30 5550{number:02}77",
        f"Wisteria{number:02} Lane 47{number:02}",
        f"DE9987{number:02}6543",
    )
    for number in range(1, 21)
}
REFERENCES = tuple(PEOPLE)
COLUMNS = ("no", "company", "mail", "phone", "street", "tax", "status", "credit", "born")
CONSTANT = "Ostrich remark of the job"

JOB = f"""\
job: canary
source: {{kind: csv, path: customers.csv, key: no}}
target:
  kind: valomnia
  base_url: ${{URL}}
  username: ${{USERNAME}}
  password: ${{PASSWORD}}
converters: [own_converters]
fields:
  reference: no
  name: {{from: company, convert: [strip, picky]}}
  email: {{from: mail, convert: email}}
  phone: phone
  billingAddress: street
  taxNumber: tax
  comment: {{const: {CONSTANT}}}
  isActive: {{from: status, values: {{A: true}}}}
  customerRisk: {{from: born, values: {{"": none}}}}
  creditLimit: {{from: credit, convert: {{decimal: ","}}}}
page_size: 50
"""

CONVERTERS = '''\
"""A converter of a user who is careless with what he raises."""

from mappings.converter import converter


@converter
def picky(value: str) -> str:
    """Raise on certain names, with the name in the text and in the cause."""
    if value.endswith("!"):
        try:
            raise KeyError(value)
        except KeyError as error:
            raise ValueError(f"cannot take {value}") from error
    return value
'''


def words_of(reference: str) -> Iterable[str]:
    """Give what must not be found of a customer: each value, and each longer word of it."""
    for value in PEOPLE[reference]:
        yield value
        yield from (word for word in value.split() if len(word) > 6)


PERSONAL = (*(word for reference in PEOPLE for word in words_of(reference)), CONSTANT, "Ostrich")
SECRETS = (PASSWORD, USERNAME, KEY)


def line(reference: str, **changed: str) -> str:
    """Write a customer's line, with some columns changed; {name} and the like stand for the customer's own values."""
    name, mail, phone, street, tax = PEOPLE[reference]
    values = dict(zip(COLUMNS, (reference, name, mail, phone, street, tax, "A", "1,50", ""), strict=True))
    return ",".join(f'"{value}"' for value in (values | changed).values()) + "\n"


def write_everything_wrong(folder: Path) -> None:
    """Write a job and a source file in which each customer from REF-02 on meets another fault."""
    name, mail, phone, street, _ = PEOPLE["REF-02"]
    lines = [
        line("REF-01"),
        line("REF-02", mail=f"{name} at {mail}"),  # no e-mail address
        line("REF-03", company=PEOPLE["REF-03"][0] + "!"),  # the user's converter raises
        line("REF-04", company=""),  # no name
        line("REF-05", status="?"),  # no entry in a table of a field that is not personal
        line("REF-06", born=PEOPLE["REF-06"][2]),  # no entry in a table of a personal field
        line("REF-07", credit=PEOPLE["REF-07"][4]),  # no number
        line("REF-01", company=PEOPLE["REF-08"][0], mail=PEOPLE["REF-08"][1]),  # the reference of another
        line("REF-09").rstrip("\n") + f',"{PEOPLE["REF-09"][3]}"\n',  # a field too many
        line("REF-10", no="REF-10\x07"),  # a bell in a reference
        *(line(reference) for reference in REFERENCES[10:]),
    ]
    text = ",".join(COLUMNS) + "\n" + "".join(lines)
    undecodable = line("REF-08", no="REF-77", phone="\udcff" + phone, street=street)
    (folder / "customers.csv").write_text(text + undecodable, encoding="utf-8", errors="surrogateescape")
    (folder / "job.yaml").write_text(JOB, encoding="utf-8")
    (folder / "own_converters.py").write_text(CONVERTERS, encoding="utf-8")


def write_broken(folder: Path) -> None:
    """Write a source file whose last line opens a quotation that nothing closes."""
    text = (folder / "customers.csv").read_text(encoding="utf-8", errors="surrogateescape").splitlines(keepends=True)
    broken = text[0] + text[1] + line("REF-12").removesuffix('"\n') + PEOPLE["REF-13"][0]
    (folder / "customers.csv").write_text(broken, encoding="utf-8")


def echoing_faults() -> Faults:
    """Make the target answer customers from REF-11 on with errors that repeat what it was sent."""
    echo = {reference: " / ".join(values) for reference, values in PEOPLE.items()}
    first = PEOPLE["REF-12"][0].split()[0]
    page = f"<html><body>{html.escape(echo['REF-16'])}</body></html>"
    forced = {
        "REF-11": Forced(status=400, error="save_failed", error_description=f"cannot save {echo['REF-11']}"),
        "REF-12": Forced(status=400, error="not_unique", error_description=f"{first} already used"),
        "REF-13": Forced(status=422, error=PEOPLE["REF-13"][1], error_description=echo["REF-13"].upper()),
        "REF-14": Forced(status=400, error="x" * 500, error_description="x" * 150 + echo["REF-14"]),
        "REF-15": Forced(status=500, error="server_error", error_description=echo["REF-15"], times=1),
        "REF-16": Forced(status=502, body=page, times=1),
        "REF-17": Forced(status=200, body=json.dumps({"id": 7, "reference": echo["REF-17"]}), times=1),
        "REF-18": Forced(drop=True, after_commit=True, times=1),
        "REF-19": Forced(status=400, body=page.replace("<html>", "")),
        "REF-20": Forced(status=400, error="invalid_param", error_description=json.dumps(echo["REF-20"])),
    }
    return Faults(forced=forced, retry_after="none")


def found_in(content: bytes | str, tokens: Iterable[str]) -> list[str]:
    """List the tokens that stand in a content, in whatever case and whether or not escaped for HTML or JSON."""
    data = content if isinstance(content, bytes) else content.encode(errors="surrogateescape")
    lowered = data.lower()
    return sorted({token for token in tokens if token.lower().encode() in lowered})
