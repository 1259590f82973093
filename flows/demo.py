"""The whole path in half a minute: a sandbox target, sample customers with faults, three runs, and what came of it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from rich.console import Console

from connectors.sandbox.server import running
from connectors.sandbox.valomnia.setting import ValomniaSettings
from connectors.sandbox.valomnia.vendor import valomnia_app
from flows import report
from flows.job import Job, load_job
from flows.ledger.history import History
from flows.ledger.ledger import Ledger
from flows.run import now, state_url
from flows.shell import run_in_process
from flows.summary import Summary
from mappings.system import load_system

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


def show_demo(folder: Path | None) -> None:
    """Run the demo and print what happened; the folder keeps job, customers and ledger, the server ends with it."""
    out = report.console()
    place = Path(tempfile.mkdtemp(prefix="rollcall-demo-")) if folder is None else folder
    place.mkdir(parents=True, exist_ok=True)
    (place / "job.yaml").write_text(JOB, encoding="utf-8")
    (place / "customers.csv").write_text(CUSTOMERS, encoding="utf-8")
    with running(valomnia_app(ValomniaSettings())) as base_url:
        job = load_job(place / "job.yaml", {**os.environ, "DEMO_URL": base_url, "DEMO_PASSWORD": "sandbox"})
        ledger = Ledger.open(state_url(job, None, {}), os.environ, now)
        try:
            _three_runs(job, ledger, place, out)
        finally:
            ledger.close()
    out.print()
    out.print(f"The job, the customers and the ledger stay in [bold]{place}[/bold]. Look around:")
    out.print(f"  rollcall rejects --state sqlite:///{place / 'rollcall.db'}", style="cyan")
    out.print(f"  rollcall runs --state sqlite:///{place / 'rollcall.db'}", style="cyan")


def _three_runs(job: Job, ledger: Ledger, place: Path, out: Console) -> None:
    out.rule("[bold]1. First run: twelve customers, six of them with something wrong")
    out.print(f"{place / 'customers.csv'} goes into a sandbox of Valomnia's API, as {place / 'job.yaml'} says.")
    _run(job, ledger, out)
    out.print("Nothing is dropped silently. This is why some were stopped or refused, in the target's own words:")
    out.print(report.rejects(History(ledger).rejects(job.job), load_system(job.target.kind)))

    out.rule("[bold]2. Again, with nothing changed")
    out.print("What the target has confirmed costs no request; what it refused waits, with a growing pause.")
    _run(job, ledger, out)

    out.rule("[bold]3. Two customers corrected, one changed")
    corrected = CUSTOMERS
    for old, new in CORRECTIONS:
        corrected = corrected.replace(old, new)
    (place / "customers.csv").write_text(corrected, encoding="utf-8")
    out.print("C-1006 got a name, C-1007 an e-mail address that is one, and C-1003 moved.")
    _run(job, ledger, out)

    out.rule("[bold]One customer's story")
    out.print("What rollcall why tells of C-1006:")
    out.print(report.story(History(ledger).story(job.job, "C-1006"), load_system(job.target.kind)))


def _run(job: Job, ledger: Ledger, out: Console) -> Summary:
    summary = run_in_process(job, ledger, report.console(stderr=True))
    out.print(report.summary(summary))
    out.print()
    return summary
