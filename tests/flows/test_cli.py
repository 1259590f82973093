"""The command line's promises: one clear message, the exit code of its kind, and nothing touched that should not be."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from connectors.sandbox.catalogue import SYSTEMS
from flows.command.start import SandboxSystem
from flows.ledger.ledger import Ledger
from tests.flows.command import LOGIN, PASSWORD, WITH_REJECT, Place, Shell, complaint, environment_of, start_python

CALL = "from flows.cli import main; main()"
COMMANDS = ("run", "check", "init", "rejects", "runs", "why", "demo", "sandbox")
BOMB = "a: &a [1]\n" + "".join(
    f"{after}: &{after} [{', '.join([f'*{before}'] * 9)}]\n" for before, after in pairwise("abcdefghi")
)


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
    "unknown converter": ("convert: strip", "convert: strp", "name: unknown converter strp; did you mean strip?"),
    "unknown field": ("  name: {", "  nmae: {", "fields.nmae: Valomnia has no such field; did you mean name?"),
    "unset variable": ("${PASSWORD}", "${PASWORD_X}", "target.password: the environment variable PASWORD_X is not set"),
    "missing file": ("customers.csv", "custmers.csv", "custmers.csv: cannot be read (No such file or directory)"),
    "missing column": ("from: company", "from: compny", "no column 'compny'; did you mean company?"),
    "missing key column": ("key: no", "key: number", "customers.csv: there is no column 'number' (source.key)"),
    "broken YAML": ("source:\n", "source: [\n", "is no YAML 1.2: "),
    "duplicate key": ("page_size: 2", "page_size: 2\npage_size: 3", "job.yaml:16: is no YAML 1.2: found duplicate key"),
    "object tag": ("page_size: 2", "page_size: !!python/object/apply:os.getcwd []", "job.yaml:15: page_size: the tag "),
    "no mapping": ("job: crm", "- crm\n- ", "job.yaml"),
    "unsafe address": ("${URL}", "http://example.com", "base_url must be https://"),
}  # fmt: skip # a table: it reads in rows


@pytest.mark.parametrize(("old", "new", "message"), WRONG_JOBS.values(), ids=list(WRONG_JOBS))
def test_wrong_job_is_refused(place: Place, rollcall: Shell, old: str, new: str, message: str) -> None:
    """A wrong job ends with 2 and a message that names place and remedy, before anything is made or asked."""
    place.change_job(old, new)
    text = complaint(place, rollcall, "run", place.job)
    assert message in text
    assert PASSWORD not in text


def test_x13_alias_bomb_is_refused(place: Place, rollcall: Shell) -> None:
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
    "beside a missing key": ("username: sandbox\n  password: ${PASSWORD}", "password: ${SECRET}"),
    "beside an unset variable": ("password: ${PASSWORD}", "password: ${SECRET}${UNSET}"),
}


@pytest.mark.parametrize(("old", "new"), SECRETS.values(), ids=list(SECRETS))
def test_x02_wrong_job_shows_no_secret(
    place: Place, rollcall: Shell, monkeypatch: pytest.MonkeyPatch, old: str, new: str
) -> None:
    """What a variable of the environment holds is in no message, wherever in the wrong job it stands."""
    monkeypatch.setenv("SECRET", "hunter2 canary")
    place.change_job(old, new)
    assert "hunter2" not in complaint(place, rollcall, "run", place.job)
    assert "hunter2" not in "".join(map(str, rollcall("check", place.job, "--json").json.values()))


def test_x13_no_in_a_job_is_norway(place: Place, rollcall: Shell) -> None:
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
        ("sqlite:///customers.csv", "the ledger is damaged, or this is none; restore it from a backup"),
        ("no url, with hunter2 in it", "--state is no database URL"),
        ("nonsense://user:hunter2@127.0.0.1:1/ledger", "the driver of this ledger is not installed"),
        ("postgresql://user@127.0.0.1:hunter2/x", "--state is no database URL"),
        ("postgresql://user:a@hunter2@127.0.0.1/x", "write an @ in a name or password as %40"),
    ],
    ids=["no folder", "a folder", "no database", "no URL", "no driver", "a password as port", "an @ in a password"],
)
def test_s13_unwritable_ledger_is_refused(place: Place, rollcall: Shell, state: str, message: str) -> None:
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
    "deferred", "deactivated", "deleted", "requests", "seconds", "pages", "unfinished", "slowest_page",
    "watermark_before", "watermark_after",
}  # fmt: skip # a table: it reads in rows


def test_run_tells_its_figures_as_json(place: Place, rollcall: Shell) -> None:
    """A run without rejects ends with 0 and one JSON object that holds every promised figure."""
    said = rollcall("run", place.job, "--json")
    assert said.code == 0
    assert said.json.keys() >= PROMISED
    assert (said.json["job"], said.json["status"], said.json["created"]) == ("crm", "completed", 3)
    assert said.json["requests"] == len(place.requests) - len(LOGIN) == 3  # signing in is not counted
    assert said.json["pages"] == 2
    assert said.json["slowest_page"]["records"] in {1, 2}
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


def test_x23_another_key_needs_rekey(place: Place, rollcall: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ledger of another key is refused with 2; --rekey takes the new key over and sends everything once more."""
    assert rollcall("run", place.job).code == 0
    monkeypatch.setenv("ROLLCALL_KEY", "hunter2-the-new-key")
    place.app.journal.clear()
    text = complaint(place, rollcall, "run", place.job)
    assert "--rekey" in text
    assert "hunter2" not in text
    assert rollcall("run", place.job, "--rekey", "--json").json["updated"] == 3
    assert rollcall("run", place.job, "--json").json["unchanged"] == 3


# --- help ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(rollcall: Shell, command: str) -> None:
    """Each command's help says what it does in a sentence and shows an example."""
    said = rollcall(*command.split(), "--help")
    assert said.code == 0
    assert said.err == ""
    assert len(said.out.split("Usage:")[1]) > 200
    assert f"Example: rollcall {command} " in " ".join(said.out.split())


def test_the_help_names_every_sandbox(rollcall: Shell) -> None:
    """`rollcall sandbox` takes exactly the systems that have one."""
    assert [system.value for system in SandboxSystem] == list(SYSTEMS)
    said = rollcall("sandbox", "--help")
    assert all(system in said.out for system in SYSTEMS)


def test_a_part_is_taken_and_the_rest_left(place: Place, rollcall: Shell) -> None:
    """`--limit` and `--only` send a part; a plain run then sends the others."""
    assert rollcall("run", place.job, "--limit", 1, "--json").json["created"] == 1
    said = rollcall("run", place.job, "--only", "C-3", "--json")
    assert (said.code, said.json["extracted"], said.json["created"]) == (0, 1, 1)
    assert "C-3" not in said.err
    assert rollcall("run", place.job, "--full", "--json").json["created"] == 1


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--only", "C-1", "--full"), "--only takes one customer"),
        (("--since", "soon"), "--since takes a time"),
        (("--since", "2026-11-20"), "source.updated_at"),
        (("--limit", "0"), "--limit"),
    ],
)
def test_parts_that_make_no_sense(place: Place, rollcall: Shell, options: tuple[str, ...], words: str) -> None:
    """Exit code 2 and a sentence; nothing is read or written."""
    assert words in complaint(place, rollcall, "run", place.job, *options)


def test_only_finds_nobody(place: Place, rollcall: Shell) -> None:
    """Exit code 2, and nobody is sent."""
    said = rollcall("run", place.job, "--only", "C-99", "--json")
    assert said.code == said.json["exit_code"] == 2
    assert "no customer of the source has this reference" in said.err
    assert place.requests == LOGIN


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


def test_faults_that_the_sandbox_does_not_know_are_refused(rollcall: Shell) -> None:
    """`--faults` takes what the sandbox can do, and names what it cannot, with exit code 2."""
    said = rollcall("sandbox", "valomnia", "--port", "0", "--faults", '{"rate_limt": 20}')
    assert said.code == 2
    assert "rate_limt" in said.err
