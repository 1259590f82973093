"""Job files: read strictly, and wrong ones explained by file, line and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from connectors.csv_file import CsvSettings
from connectors.valomnia import ValomniaSettings
from flows.document import JobError
from flows.job import Job, load_job
from flows.plan import compile_job, refuse_missing_columns

GOOD = """\
job: crm-to-valomnia
source:
  kind: csv
  path: customers.csv
  key: no
target:
  kind: valomnia
  base_url: https://acme.valomnia.com
  username: ${VALOMNIA_USERNAME}
  password: ${VALOMNIA_PASSWORD}
  rate: 50/s
fields:
  reference: no
  name: {from: [first, last], convert: [join_words, strip]}
  billingCountry: {from: country, convert: country_code}
  isActive: {from: status, values: {A: true, X: false, NO: false}}
  currency: {const: EUR}
  phone: {from: tel, on_null: clear}
filter: {status: [A, X, NO]}
guards: {max_rejected: 20%}
"""
ENVIRONMENT = {"VALOMNIA_USERNAME": "u", "VALOMNIA_PASSWORD": "s3cret-canary"}


def load(folder: Path, text: str = GOOD, environment: dict[str, str] | None = None) -> Job:
    """Write a job file and load it."""
    (folder / "crm.yaml").write_text(text)
    return load_job(folder / "crm.yaml", ENVIRONMENT if environment is None else environment)


def complaint(folder: Path, text: str, environment: dict[str, str] | None = None) -> str:
    """Load and compile a wrong job, and give the message."""
    with pytest.raises(JobError) as caught:
        compile_job(load(folder, text, environment), b"key")
    return str(caught.value)


def test_a_job_is_read_whole(tmp_path: Path) -> None:
    """All keys arrive, references to the environment filled in, paths relative to the job's folder."""
    job = load(tmp_path)
    assert job.job == "crm-to-valomnia"
    assert isinstance(job.source, CsvSettings)
    assert job.source.key == "no"
    assert isinstance(job.target, ValomniaSettings)
    assert job.target.password.get_secret_value() == "s3cret-canary"
    assert job.target.rate == 50
    assert job.guards.max_rejected == 0.2
    assert job.folder == tmp_path
    assert job.page_size == 1000


@pytest.mark.parametrize(("written", "share"), [("0.7%", 7 / 1000), ("2.3 %", 23 / 1000), ("0.29", 29 / 100)])
def test_a_share_is_the_number_that_is_written(tmp_path: Path, written: str, share: float) -> None:
    """So many of a thousand are exactly the share that the guard compares them with."""
    assert load(tmp_path, GOOD.replace("20%", written)).guards.max_rejected == share


def test_x13_yaml_is_version_1_2(tmp_path: Path) -> None:
    """X13: NO is Norway and not false, 010 is ten, and a time is text."""
    job = load(tmp_path, GOOD.replace("{const: EUR}", "{const: NO}"))
    assert job.fields is not None
    assert job.fields["currency"].const == "NO"
    assert job.filter == {"status": ["A", "X", "NO"]}
    written = load(tmp_path, GOOD.replace("[A, X, NO]", '[NO, yes, 12:30:00, 010, "010", 1.5, "1.10"]'))
    assert written.filter == {"status": ["NO", "yes", "12:30:00", 10, "010", 1.5, "1.10"]}


def test_the_source_must_have_the_columns(tmp_path: Path) -> None:
    """A column that the source lacks, of the fields or of the filter, is refused with the nearest present one."""
    plan = compile_job(load(tmp_path), b"key")
    columns = {"no", "first", "last", "country", "status", "tel"}
    refuse_missing_columns(plan, columns | {"other"})
    with pytest.raises(JobError, match="no column 'country'; did you mean countr"):
        refuse_missing_columns(plan, columns - {"country"} | {"countr"})
    with pytest.raises(JobError, match="no column 'status'"):
        refuse_missing_columns(plan, columns - {"status"})


def test_x02_a_secret_shows_in_no_repr(tmp_path: Path) -> None:
    """X02: neither the job nor its target shows the password."""
    assert "s3cret-canary" not in repr(load(tmp_path))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("  key: no", "  kye: no", "crm.yaml:5: source.kye: unknown key; did you mean key?"),
        ("guards:", "gards:", "crm.yaml:20: gards: unknown key; did you mean guards?"),
        ("  path: customers.csv\n", "", "crm.yaml:2: source.path: is required"),
        ("kind: csv", "kind: cvs", "crm.yaml:3: source.kind: there is no kind 'cvs'; did you mean csv?"),
        (
            "kind: valomnia",
            "kind: salesforce",
            "crm.yaml:7: target.kind: there is no kind 'salesforce'; known are jtl, keypro, tradevest, valomnia",
        ),
        (
            "${VALOMNIA_PASSWORD}",
            "${VALOMNIA_PASSWORT}",
            "target.password: the environment variable VALOMNIA_PASSWORT is not set",
        ),
        ("{const: EUR}", "{konst: EUR}", "unknown key konst; did you mean const?"),
        ("convert: country_code", "convert: countrycode", "unknown converter countrycode; did you mean country_code?"),
        ("  phone:", "  fone:", "fone"),
        ("  currency: {const: EUR}", "  curency: {const: EUR}", "did you mean currency?"),
        ("20%", "a lot", "guards.max_rejected"),
        ("job: crm-to-valomnia", "job: ../x", "crm.yaml:1: job:"),
        ("  reference: no\n", "", "reference"),
        ("filter: {status: [A, X, NO]}", "filter: {status: []}", "allows no value"),
        ("rate: 50/s", "rate: fast", "target.rate"),
    ],
)
def test_a_wrong_job_is_explained(tmp_path: Path, old: str, new: str, words: str) -> None:
    """Each fault is named with its file, its line where it has one, its key and the nearest known name."""
    assert old in GOOD
    message = complaint(tmp_path, GOOD.replace(old, new))
    assert words in message
    assert "s3cret-canary" not in message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("job: [unclosed", "is no YAML 1.2"),
        ("a: 1\na: 2\n", "is no YAML 1.2"),
        ("- just\n- a list\n", "is a mapping of keys"),
        ("job: !!python/object/apply:os.system [ls]\n", "tag"),
        ("", "is a mapping of keys"),
        ("when: 2026-01-01\n", "in quotes"),
        ("%YAML 1.1\n---\njob: NO\n", "remove the %YAML directive"),
        ("path: /x\n", "path: unknown key"),
        ("[" * 5000, "nested too deeply"),
    ],
)
def test_x13_what_is_no_job_is_refused(tmp_path: Path, text: str, words: str) -> None:
    """X13: broken YAML, repeated keys, tags, dates and lists end in one message each."""
    assert words in complaint(tmp_path, text)


def test_x02_x13_a_repeated_secret_is_not_quoted(tmp_path: Path) -> None:
    """The parser's message names the key alone."""
    message = complaint(tmp_path, "password: hunter2\npassword: hunter3\n")
    assert "password" in message
    assert "hunter" not in message


def test_x13_an_alias_bomb_is_refused(tmp_path: Path) -> None:
    """X13: a few lines that describe millions of values are not built."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    assert "more than 20000 values" in complaint(tmp_path, "\n".join(lines))


def test_a_missing_job_file_is_named(tmp_path: Path) -> None:
    """The path that was asked for is in the message."""
    with pytest.raises(JobError, match="no such job file"):
        load_job(tmp_path / "nowhere.yaml", {})
