"""The command line's promises: one clear message, the exit code of its kind, and nothing touched that should not be."""

from __future__ import annotations

import csv
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from connectors.sandbox.app import SandboxApp
from connectors.sandbox.fault import Faults, Forced
from flows.export import COLUMNS, write_rejects
from flows.ledger.history import RejectEntry
from flows.ledger.ledger import Ledger
from mappings.finding import Finding
from tests.flows.command import PASSWORD, WITH_REJECT, Place, Shell, environment_of, open_sandbox, start_python

CALL = "from flows.cli import main; main()"
COMMANDS = ("run", "check", "rejects", "runs", "why", "demo", "sandbox", "sandbox valomnia")
BOMB = "a: &a [1]\n" + "".join(
    f"{after}: &{after} [{', '.join([f'*{before}'] * 9)}]\n" for before, after in pairwise("abcdefghi")
)
LOGIN = ["POST /j_spring_security_check", "GET /login/ajaxSuccess"]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[tuple[SandboxApp, str]]:
    """Serve one sandbox to all tests of this module."""
    with open_sandbox() as served:
        yield served


@pytest.fixture
def place(tmp_path: Path, sandbox: tuple[SandboxApp, str]) -> Place:
    """Put a job and three customers beside a sandbox that knows nothing yet."""
    app, url = sandbox
    app.reset()
    folder = tmp_path / "place"
    folder.mkdir()
    return Place(folder, app, url)


@pytest.fixture
def rollcall(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    """Make a shell in the place's folder, with its variables set and neither a ledger nor Prefect named."""
    for name, value in environment_of(place, tmp_path / "prefect").items():
        monkeypatch.setenv(name, value)
    for name in ("ROLLCALL_STATE", "ROLLCALL_KEY", "PREFECT_API_URL", "PREFECT_PROFILE"):
        monkeypatch.setenv(name, "")  # so that what a command sets is taken back after the test
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(place.folder)
    return Shell(monkeypatch, capsys)


# --- the job is wrong ------------------------------------------------------------------------------------------------

WRONG_JOBS = {
    "unknown key": ("page_size: 2", "page_sise: 2", "job.yaml:15: page_sise: unknown key; did you mean page_size?"),
    "wrong nested key": ("key: no", "kye: no", "job.yaml:5: source.kye: unknown key; did you mean key?"),
    "wrong key of a field": (
        "{from: mail, convert: email}",
        "{form: mail}",
        "job.yaml:14: fields.email: unknown key form; did you mean from?",
    ),
    "wrong kind": ("kind: csv", "kind: cvs", "job.yaml:3: source.kind: there is no kind 'cvs'; did you mean csv?"),
    "missing kind": ("  kind: valomnia\n", "", "target.kind: is required"),
    "wrong type": ("page_size: 2", "page_size: many", "job.yaml:15: page_size: "),
    "unknown converter": ("convert: strip", "convert: strp", "fields.name: unknown converter strp; did you mean strip?"),
    "unknown field": ("  name: {", "  nmae: {", "fields.nmae: Valomnia has no such field; did you mean name?"),
    "unset variable": ("${PASSWORD}", "${PASWORD_X}", "job.yaml:10: target.password: the environment variable PASWORD_X"),
    "missing file": ("customers.csv", "custmers.csv", "custmers.csv: cannot be read (No such file or directory)"),
    "missing column": ("from: company", "from: compny", "no column 'compny'; did you mean company?"),
    "missing key column": ("key: no", "key: number", "customers.csv: there is no column 'number' (source.key)"),
    "broken YAML": ("source:\n", "source: [\n", "is no YAML 1.2: "),
    "duplicate key": ("page_size: 2", "page_size: 2\npage_size: 3", 'job.yaml:16: is no YAML 1.2: found duplicate key "page_size"'),
    "object tag": ("page_size: 2", "page_size: !!python/object/apply:os.getcwd []", "job.yaml:15: page_size: the tag "),
    "no mapping": ("job: crm", "- crm\n- ", "job.yaml"),
    "unsafe address": ("${URL}", "http://example.com", "base_url must be https://"),
}  # fmt: skip


def complaint(place: Place, rollcall: Shell, *arguments: object) -> str:
    """Call a command that must refuse its job, prove that nothing was touched, and give the message."""
    before = place.files
    said = rollcall(*arguments)
    assert said.code == 2, said.err
    assert said.out == ""
    assert "Traceback" not in said.err
    assert place.requests == []
    assert place.files == before, "a wrong job must leave no ledger, key or lock"
    return said.err


@pytest.mark.parametrize(("old", "new", "message"), WRONG_JOBS.values(), ids=list(WRONG_JOBS))
def test_wrong_job_is_refused(place: Place, rollcall: Shell, old: str, new: str, message: str) -> None:
    """A wrong job ends with 2 and a message that names place and remedy, before anything is made or asked."""
    place.change_job(old, new)
    text = complaint(place, rollcall, "run", place.job)
    assert message in text
    assert PASSWORD not in text


def test_alias_bomb_is_refused(place: Place, rollcall: Shell) -> None:
    """A few lines that describe 43 million values are refused before they are unfolded."""
    place.change_job("job: crm", f"job: crm\n{BOMB}")
    assert "holds more than 20000 values; is an alias repeated?" in complaint(place, rollcall, "run", place.job)


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "there is no such job file"), ("", "a mapping of keys"), ("\udcff", "a job file is UTF-8 text")],
    ids=["missing", "empty", "bytes"],
)
def test_what_is_no_job_file_is_refused(place: Place, rollcall: Shell, content: str | None, message: str) -> None:
    """A job file that is missing, empty or no text ends with 2 and says so."""
    place.job.unlink()
    if content is not None:
        place.job.write_text(content, encoding="utf-8", errors="surrogateescape")
    assert message in complaint(place, rollcall, "run", place.job)


@pytest.mark.parametrize("command", ["run", "check", "rejects", "runs", "why"])
def test_wrong_job_is_one_json_object(place: Place, rollcall: Shell, command: str) -> None:
    """With --json a wrong job is one JSON object, whichever command meets it, and the message stands on stderr too."""
    place.change_job("page_size", "page_sise")
    said = rollcall(command, place.job, *(["C-1"] if command == "why" else []), "--json")
    assert said.code == 2
    assert said.json == {"status": "failed", "message": said.err.strip(), "exit_code": 2}
    assert said.err.count("page_sise") == 1


@pytest.mark.parametrize("arguments", [("run",), ("runs", "--limit", "0"), ("nonsense",), ("run", "--nonsense")])
def test_wrong_command_line_is_one_json_object(rollcall: Shell, arguments: tuple[str, ...]) -> None:
    """With --json a command line that is itself wrong is one JSON object as well."""
    said = rollcall(*arguments, "--json")
    assert said.code == 2
    assert said.json["exit_code"] == 2
    assert said.json["message"]
    assert "Traceback" not in said.err


SECRETS = {
    "beside an unknown key": ("password: ${PASSWORD}", "password: ${SECRET}\n  sise: 1"),
    "under an unknown key": ("password: ${PASSWORD}", "password: ${PASSWORD}\n  passwort: ${SECRET}"),
    "beside a wrong type": ("username: sandbox", "username: ${SECRET}\n  concurrency: many"),
    "as a kind": ("kind: valomnia", "kind: ${SECRET}"),
    "as a number": ("page_size: 2", "page_size: ${SECRET}"),
    "as a rate": ("username: sandbox", "username: sandbox\n  rate: ${SECRET}"),
    "as a share": ("page_size: 2", "guards: {max_rejected: '${SECRET}%'}"),
    "as a policy": ("page_size: 2", "on_missing: ${SECRET}"),
    "as a version": ("username: sandbox", "username: sandbox\n  api_version: ${SECRET} 2"),
    "in an address": ("${URL}", "https://user:${SECRET}@crm.example"),
    "as an address": ("${URL}", "${SECRET}"),
    "as a list": ("password: ${PASSWORD}", "password: ['${SECRET}']"),
    "as the whole target": ("target:\n", "guards: ${SECRET}\ntarget:\n"),
    "beside an unset variable": ("password: ${PASSWORD}", "password: ${SECRET}${UNSET}"),
}


@pytest.mark.parametrize(("old", "new"), SECRETS.values(), ids=list(SECRETS))
def test_wrong_job_shows_no_secret(
    place: Place, rollcall: Shell, monkeypatch: pytest.MonkeyPatch, old: str, new: str
) -> None:
    """What a variable of the environment holds is in no message, wherever in the wrong job it stands."""
    monkeypatch.setenv("SECRET", "hunter2 canary")
    place.change_job(old, new)
    assert "hunter2" not in complaint(place, rollcall, "run", place.job)
    assert "hunter2" not in "".join(map(str, rollcall("check", place.job, "--json").json.values()))


def test_no_in_a_job_is_norway(place: Place, rollcall: Shell) -> None:
    """YAML is read as 1.2: `NO` in a filter keeps the customers of Norway."""
    place.write_customers("no,company,mail,land\nC-1,Alpha,,NO\nC-2,Beta,,SE\n")
    place.change_job("page_size: 2", "filter: {land: [NO]}")
    told = rollcall("run", place.job, "--json").json
    assert (told["created"], told["filtered"]) == (1, 1)


# --- the surroundings are wrong --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ("sqlite:////nowhere/at/all/ledger.db", "the ledger cannot be written (No such file or directory)"),
        ("sqlite:///.", "the ledger cannot be written (Is a directory)"),
        ("sqlite:///customers.csv", "the ledger sqlite:///customers.csv cannot be used (file is not a database)"),
        ("no url, with hunter2 in it", "--state is no database URL"),
        ("nonsense://user:hunter2@127.0.0.1:1/ledger", "the driver of this ledger is not installed"),
        ("postgresql://user@127.0.0.1:hunter2/x", "--state is no database URL"),
    ],
    ids=["no folder", "a folder", "no database", "no URL", "no driver", "a password as port"],
)
def test_unwritable_ledger_is_refused(place: Place, rollcall: Shell, state: str, message: str) -> None:
    """A ledger that cannot be written ends with 2 before any request, and its address shows no password."""
    text = complaint(place, rollcall, "run", place.job, "--state", state)
    assert message in text
    assert "hunter2" not in text


def test_wrong_password_fails_the_run(place: Place, rollcall: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """A target that refuses our credentials ends the run with 1 after a single attempt; no customer is blamed."""
    monkeypatch.setenv("PASSWORD", "wrong-password")
    said = rollcall("run", place.job, "--json")
    assert said.code == said.json["exit_code"] == 1
    assert said.json["message"].startswith("valomnia: login: user name or password refused (status ")
    assert said.err.count("user name or password refused") == 1
    assert "wrong-password" not in said.out + said.err
    assert (said.json["status"], said.json["extracted"], said.json["rejected"]) == ("failed", 0, 0)
    assert place.requests == LOGIN[:1]


def test_target_that_is_down_fails_the_run(place: Place, rollcall: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """A target that is not there when the run begins ends it with 1, and no customer is blamed."""
    monkeypatch.setenv("URL", "http://127.0.0.1:9")
    said = rollcall("run", place.job, "--json")
    assert said.code == 1
    assert said.json["message"] == "valomnia: login: no connection"
    assert (said.json["status"], said.json["extracted"]) == ("failed", 0)


def test_lease_held_by_another_run(place: Place, rollcall: Shell) -> None:
    """While another run of the job holds the lease, a run ends with 5, without a request or a run of its own."""
    ledger = Ledger.open(f"sqlite:///{place.folder / 'rollcall.db'}", {}, lambda: datetime.now(UTC))
    ledger.take_lease("crm")
    try:
        said = rollcall("run", place.job, "--json")
    finally:
        ledger.close()
    assert said.code == 5
    assert said.json == {"status": "failed", "message": said.err.strip(), "exit_code": 5}
    assert said.err.startswith("another run of crm is writing")
    assert place.requests == []
    assert rollcall("runs", place.job, "--json").json == {"runs": []}


def test_guard_stops_the_run(place: Place, rollcall: Shell) -> None:
    """More rejects than the guard allows end the run with 4 and say how many there were."""
    place.write_customers(WITH_REJECT + "C-5,Epsilon,\n")
    place.change_job("page_size: 2", "page_size: 2\nguards: {max_rejected: 10%}")
    said = rollcall("run", place.job, "--json")
    assert said.code == 4
    assert said.json["status"] == "stopped"
    assert said.json["message"].startswith("1 of 4 customers are invalid or rejected")
    assert said.err.count("more than the guard max_rejected allows (10%)") == 1


def test_no_arguments_show_the_help(place: Place, rollcall: Shell) -> None:
    """Without arguments the help is shown, and the exit code says that nothing was done."""
    said = rollcall()
    assert said.code == 2
    assert "rollcall demo" in said.out + said.err
    assert "Traceback" not in said.err
    assert place.requests == []


# --- run -------------------------------------------------------------------------------------------------------------

PROMISED = {
    "run_id", "job", "status", "extracted", "created", "updated", "unchanged", "filtered", "invalid", "rejected",
    "deferred", "deactivated", "deleted", "requests", "seconds",
}  # fmt: skip


def test_run_tells_its_figures_as_json(place: Place, rollcall: Shell) -> None:
    """A run without rejects ends with 0 and one JSON object that holds every promised figure."""
    said = rollcall("run", place.job, "--json")
    assert said.code == 0
    assert said.json.keys() >= PROMISED
    assert (said.json["job"], said.json["status"], said.json["created"]) == ("crm", "completed", 3)
    assert said.json["requests"] == len(place.requests) == 5
    assert said.json["exit_code"] == 0


def test_run_with_rejects_ends_with_3(place: Place, rollcall: Shell) -> None:
    """A run with rejects ends with 3, as often as they are still there."""
    place.write_customers(WITH_REJECT)
    for unchanged in (0, 3):
        said = rollcall("run", place.job, "--json")
        assert said.code == said.json["exit_code"] == 3
        assert (said.json["invalid"], said.json["unchanged"]) == (1, unchanged)


def test_run_shows_people_a_table(place: Place, rollcall: Shell) -> None:
    """Without --json the run's figures are a table on standard output."""
    said = rollcall("run", place.job)
    assert said.code == 0
    assert "run 1 of crm: completed, every customer accounted for" in said.out
    assert [line.split()[1] for line in said.out.splitlines() if line.startswith("created")] == ["3"]


def test_state_by_option_beats_the_environment(
    place: Place, rollcall: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The ledger is where ROLLCALL_STATE says, and --state beats that; then there is none beside the job."""
    monkeypatch.setenv("ROLLCALL_STATE", f"sqlite:///{tmp_path / 'environment.db'}")
    assert rollcall("run", place.job).code == 0
    assert (tmp_path / "environment.db").exists()
    assert rollcall("run", place.job, "--json", "--state", f"sqlite:///{tmp_path / 'option.db'}").json["updated"] == 3
    assert (tmp_path / "option.db").exists()
    assert "rollcall.db" not in place.files


def test_another_key_needs_rekey(place: Place, rollcall: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ledger of another key is refused with 2; --rekey takes the new key over and sends everything once more."""
    assert rollcall("run", place.job).code == 0
    monkeypatch.setenv("ROLLCALL_KEY", "hunter2-the-new-key")
    text = complaint_after_a_run(place, rollcall)
    assert "--rekey" in text
    assert "hunter2" not in text
    assert rollcall("run", place.job, "--rekey", "--json").json["updated"] == 3
    assert rollcall("run", place.job, "--json").json["unchanged"] == 3


def complaint_after_a_run(place: Place, rollcall: Shell) -> str:
    """Give the message of a run that must be refused without a further request."""
    place.app.journal.clear()
    return complaint(place, rollcall, "run", place.job)


# --- check -----------------------------------------------------------------------------------------------------------


def test_check_of_a_right_job(place: Place, rollcall: Shell) -> None:
    """A job that can run has four ticks; nothing was made, and nothing was asked of the target but a session."""
    before = place.files
    said = rollcall("check", place.job)
    assert said.code == 0
    assert said.out.count("✓") == 4
    assert place.files == before
    assert place.requests == LOGIN


def test_check_goes_on_after_a_fault(place: Place, rollcall: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each thing that is wrong with source, ledger and target is told at once; still nothing is made."""
    monkeypatch.setenv("PASSWORD", "wrong-password")
    place.change_job("from: company", "from: compny")
    before = place.files
    said = rollcall("check", place.job, "--json", "--state", "sqlite:////nowhere/at/all/ledger.db")
    checks = {check["name"]: check for check in said.json["checks"]}
    assert said.code == 2
    assert {name: check["ok"] for name, check in checks.items()} == {
        "job": True,
        "source": False,
        "ledger": False,
        "target": False,
    }
    assert "did you mean company?" in checks["source"]["found"]
    assert "refused" in checks["target"]["found"]
    assert "wrong-password" not in said.out + said.err
    assert place.files == before
    assert place.requests == LOGIN[:1]


def test_check_counts_the_first_page(place: Place, rollcall: Shell) -> None:
    """The source's line tells how many of the first page could be sent, and a ledger that is there is left alone."""
    place.write_customers("no,company,mail\nC-1,,a@alpha.example\nC-2,Beta,b@beta.example\n")
    assert rollcall("run", place.job).code == 3
    content = (place.folder / "rollcall.db").read_bytes()
    said = rollcall("check", place.job, "--json")
    assert said.code == 0
    assert "of the first 2 records 1 can be sent, 1 would be invalid" in said.json["checks"][1]["found"]
    assert (place.folder / "rollcall.db").read_bytes() == content


# --- what the ledger tells -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["rejects", "runs", "why"])
def test_readers_make_no_ledger(place: Place, rollcall: Shell, command: str) -> None:
    """Asking a ledger that no run has made yet ends with 2, and makes none."""
    more = ["C-1"] if command == "why" else []
    assert "there is no ledger" in complaint(place, rollcall, command, place.job, *more)
    if command != "why":
        assert "name a job file or a ledger (--state)" in complaint(place, rollcall, command)
        assert "no ledger other.db" in complaint(place, rollcall, command, "--state", "sqlite:///other.db")


def test_runs_lists_the_newest_first(place: Place, rollcall: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """`runs` lists each run with its counts, the newest first, with or without the job file."""
    rollcall("run", place.job)
    monkeypatch.setenv("PASSWORD", "wrong-password")
    rollcall("run", place.job)
    for job in ([place.job], []):
        listed = rollcall("runs", *job, "--json").json["runs"]
        assert [(run["run_id"], run["status"], run["created"]) for run in listed] == [
            ("2", "failed", 0),
            ("1", "completed", 3),
        ]
    assert [run["run_id"] for run in rollcall("runs", "--limit", "1", "--json").json["runs"]] == ["2"]
    assert "completed" in rollcall("runs", place.job).out


def test_why_tells_a_story(place: Place, rollcall: Shell) -> None:
    """`why` tells what each run decided for a customer, with the reason why it is not at the target."""
    place.write_customers(WITH_REJECT)
    rollcall("run", place.job)
    told = rollcall("why", place.job, "C-1", "--json").json
    assert [(chapter["outcome"], chapter["http_status"]) for chapter in told["chapters"]] == [("created", 201)]
    assert "name parameter is missing" in rollcall("why", place.job, " C-4 ").out


def test_why_of_an_unknown_reference(place: Place, rollcall: Shell) -> None:
    """A reference that the ledger never met ends with 2, and is not repeated in the message."""
    rollcall("run", place.job)
    said = rollcall("why", place.job, "C-999", "--json")
    assert said.code == 2
    assert said.json["message"] == "the ledger of crm has never met a customer with this reference"
    assert "C-999" not in said.err


def test_rejects_are_grouped_with_advice(place: Place, rollcall: Shell) -> None:
    """`rejects` groups by code and field and says what to do; once all is well it says so."""
    place.write_customers(WITH_REJECT)
    rollcall("run", place.job)
    told = rollcall("rejects", place.job, "--json").json
    assert told["customers"] == 1
    assert [(group["count"], group["code"], group["field"], group["lines"]) for group in told["groups"]] == [
        (1, "missing_param", "name", [5])
    ]
    assert told["groups"][0]["advice"]
    assert told["rejects"][0]["reference"] == "C-4"
    assert "missing_param" in rollcall("rejects").out
    place.write_customers(WITH_REJECT.replace("C-4,,", "C-4,Delta,"))
    assert rollcall("run", place.job).code == 0
    assert rollcall("rejects", place.job, "--json").json == {"customers": 0, "groups": [], "rejects": []}
    assert rollcall("rejects", "--run", "1", "--json").json["customers"] == 1


# --- the export ------------------------------------------------------------------------------------------------------

FORMULAS = ("=cmd()", "+1", "-1", "@x", "\tx", "\rx", "\nx")


def test_export_of_a_run_holds_no_formula(place: Place, rollcall: Shell) -> None:
    """References, keys and the target's words that begin a formula are made harmless in the CSV file."""
    keys = "".join(f'"{key}",,\n' for key in FORMULAS)
    place.write_customers(f"no,company,mail\n{keys}C-1,Alpha,\n")
    place.change_job("page_size: 2", "page_size: 20")
    place.app.faults = Faults(
        forced={"C-1": Forced(status=400, error="=code", error_description='=HYPERLINK("http://x")')}
    )
    assert rollcall("run", place.job, "--json").json["rejected"] == 1
    target = place.folder / "rejects.csv"
    target.write_text("an older file")
    target.chmod(0o644)
    said = rollcall("rejects", place.job, "--csv", target)
    assert said.code == 0
    assert "8 lines written" in said.err
    with target.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 8
    assert tuple(rows[0]) == COLUMNS
    assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))]
    assert {row["source_key"] for row in rows} == {f"'{key}" for key in FORMULAS} | {"C-1"}
    assert {"'=code", "missing_param"} <= {row["code"] for row in rows}
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert place.files - {"rollcall.db", "rollcall.key"} >= {"rejects.csv"}
    assert not [name for name in place.files if name.startswith(".")]


@pytest.mark.parametrize("start", FORMULAS)
def test_no_cell_begins_a_formula(tmp_path: Path, start: str) -> None:
    """Each of the beginnings that a spreadsheet takes for a formula gets an apostrophe, in every column of text."""
    entry = RejectEntry(
        run_id="1",
        job=start,
        reference=start,
        source_key=start,
        line=None,
        stage=start,
        outcome=start,
        http_status=None,
        tries=0,
        due_at=start,
        open=True,
        findings=(Finding(start, start, start), Finding("code", "field", "words")),
    )
    assert write_rejects(tmp_path / "rejects.csv", [entry]) == 2
    with (tmp_path / "rejects.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for name in ("job", "reference", "source_key", "stage", "outcome", "code", "field", "description", "due_at"):
        assert rows[0][name] == f"'{start}"
    assert rows[1]["description"] == "words"


def test_export_that_cannot_be_written(place: Place, rollcall: Shell) -> None:
    """An export into a folder that is not there ends with 2 and leaves nothing behind."""
    rollcall("run", place.job)
    before = place.files
    said = rollcall("rejects", place.job, "--csv", "nowhere/rejects.csv", "--json")
    assert said.code == 2
    assert said.json["message"] == "nowhere/rejects.csv: the rejects cannot be written (No such file or directory)"
    assert place.files == before


# --- help ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(rollcall: Shell, command: str) -> None:
    """Each command's help says what it does in a sentence and shows an example."""
    said = rollcall(*command.split(), "--help")
    assert said.code == 0
    assert said.err == ""
    assert len(said.out.split("Usage:")[1]) > 200
    if command != "sandbox":
        assert f"Example: rollcall {command} " in " ".join(said.out.split())


def test_help_is_quick(tmp_path: Path) -> None:
    """The help of the whole loads neither pandas nor Prefect nor the database."""
    code = f"import sys\ntry:\n    {CALL}\nfinally:\n    print(*sorted(sys.modules), file=sys.stderr)"
    said = start_python(code, "--help", environment={}, cwd=tmp_path)
    assert said.code == 0
    assert "Exit codes: 0 all accounted for" in said.out
    loaded = set(said.err.split())
    assert "flows.cli" in loaded
    assert not loaded & {"pandas", "pandera", "prefect", "sqlalchemy", "httpx", "aiohttp", "pydantic"}


def test_process_of_its_own(place: Place, tmp_path: Path) -> None:
    """A process of its own says the same: one JSON object, the exit code, and not one warning."""
    place.write_customers(WITH_REJECT)
    environment = environment_of(place, tmp_path / "prefect")
    said = start_python(CALL, "run", place.job, "--json", environment=environment, cwd=tmp_path)
    assert said.code == 3
    assert (said.json["created"], said.json["invalid"]) == (3, 1)
    assert "Warning" not in said.err
