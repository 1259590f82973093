"""The demo's job and its invented customers."""

from __future__ import annotations

from pathlib import Path

from flows.document import JobError

JOB = """\
# Rollcall's demo: customers from a CSV file into Valomnia.
job: demo
source:
  kind: csv
  path: customers.csv
  key: no
target:
  kind: valomnia
  base_url: ${DEMO_URL}
  username: sandbox
  password: ${DEMO_PASSWORD}
fields:
  reference: no
  name: {from: company, convert: strip}
  email: {from: email, convert: email}
  phone: phone
  billingAddress: street
  billingCity: city
  billingCountry: {from: country, convert: country_code}
  creditLimit: {from: credit, convert: {decimal: ","}}
  isActive: {from: status, values: {A: true, X: false}}
  currency: currency
filter:
  status: [A, X, "?"]
"""

# What the demo with its UI has beyond: it runs by itself.
SCHEDULE = "schedule: {every: 1m}\n"

# Invented customers, six of them with something wrong: no name, no e-mail address, no such country, a reference used
# twice, a currency that the target has not configured, a status that the job's table does not know. One is filtered.
CUSTOMERS = """\
no,company,email,phone,street,city,country,credit,status,currency
C-1001,Bäckerei Sommer,backstube@sommer.example,030 5550101,Obere Str. 57,Berlin,Germany,"1.500,00",A,EUR
C-1002,Antiques & Co,hello@antiques.example,020 5550102,120 Hanover Sq.,London,UK,"2.000,00",A,EUR
C-1003,Luleå Snabbköp,kontakt@snabbkop.example,0921 555 01,Berguvsvägen 8,Luleå,Sweden,"750,50",A,EUR
C-1004,La Corne d'abondance,bonjour@corne.example,01 55 50 10,"67, avenue de l'Europe",Versailles,FR,"0,00",X,EUR
C-1005,Great Lakes Food,desk@greatlakes.example,503 555 0105,2732 Baker Blvd.,Eugene,USA,"3.200,00",A,USD
C-1006,,noname@example.example,,,,,,A,EUR
C-1007,Que Delícia,quedelicia-at-example,,,Rio,Brazil,"10,00",A,EUR
C-1008,Atlantis Tours,dive@atlantis.example,,,,Atlantis,,A,EUR
C-1001,Sommer again,second@sommer.example,,,,Germany,,A,EUR
C-1009,Old Pound Ltd,till@oldpound.example,,,York,GB,"1,00",A,XAU
C-1010,Status Unclear,who@knows.example,,,,Norway,,?,EUR
C-1011,Closed Long Ago,gone@closed.example,,,,Norway,,D,EUR
"""
CORRECTIONS = (
    ("C-1006,,", "C-1006,Now With A Name,"),
    ("quedelicia-at-example", "quedelicia@example.example"),
    ("8,Luleå,Sweden", "8,Boden,Sweden"),
)


def write_sample(folder: Path, more: str = "") -> Path:
    """Write job and customers into a folder, which is made; gives the job file. `more` are further lines of the job.

    Raises JobError as `refuse_foreign` does.
    """
    refuse_foreign(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "customers.csv").write_text(CUSTOMERS, encoding="utf-8")
    job = folder / "job.yaml"
    job.write_text(JOB + more, encoding="utf-8")
    return job


def refuse_foreign(folder: Path) -> None:
    """Refuse a folder whose job or customers are not the demo's own, which would be lost; raises JobError."""
    for name, is_ours in (("job.yaml", _is_our_job), ("customers.csv", _are_our_customers)):
        path = folder / name
        try:
            ours = is_ours(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            continue
        except (OSError, UnicodeDecodeError):
            ours = False
        if not ours:
            raise JobError(f"{path} is not the demo's own, and would be overwritten; name another folder")


def _is_our_job(text: str) -> bool:
    return text in {JOB, JOB + SCHEDULE}


def _are_our_customers(text: str) -> bool:
    """Tell the demo's customers, some of them changed perhaps: looking what becomes of a change is what it is for."""
    first, *lines = text.splitlines() or [""]
    known = {line.split(",")[0] for line in CUSTOMERS.splitlines()}
    return first == CUSTOMERS.splitlines()[0] and {line.split(",")[0] for line in lines} <= known


def correct_sample(folder: Path) -> None:
    """Give one customer a name and one an e-mail address that is one, and let a third move."""
    corrected = CUSTOMERS
    for old, new in CORRECTIONS:
        corrected = corrected.replace(old, new)
    (folder / "customers.csv").write_text(corrected, encoding="utf-8")
