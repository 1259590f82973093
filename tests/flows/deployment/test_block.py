"""Prefect blocks in job files: any type and field, read once, checked one by one, and shown nowhere."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from prefect.blocks.core import Block
from prefect.blocks.system import Secret
from pydantic import SecretStr

from connectors.valomnia import ValomniaSettings
from flows.block import BlockName, BlockReference, Blocks
from flows.checkup import Check, check_job
from flows.deployment.block import TYPES, RollcallCredentials, RollcallLedger, slug
from flows.document import JobError, list_references
from flows.job import Job, load_job
from flows.summary import ExitCode
from tests.flows.display.server import PrefectServer

pytestmark = [
    pytest.mark.prefect,
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]
CANARY = "canary-77b1"
JOB = """\
job: crm
source: {kind: csv, path: customers.csv}
target:
  kind: valomnia
  base_url: http://127.0.0.1:9
  username: "{{ prefect.blocks.rollcall-credentials.acme.username }}"
  password: "{{ prefect.blocks.secret.acme.nested.password }}"
fields: {reference: no, name: name}
ledger:
  url: "sqlite:///{{prefect.blocks.rollcall-ledger.acme.url}}.db"
  key: "{{ prefect.blocks.rollcall-ledger.acme.key }}"
"""


def save(block: Block, name: str = "acme") -> None:
    """Save a block as the UI does."""
    asyncio.run(block.asave(name, overwrite=True))


@pytest.fixture
def blocks(api: PrefectServer) -> PrefectServer:
    """Save the blocks that the job refers to."""
    save(RollcallCredentials(username=f"{CANARY}-user"))
    save(Secret(value={"nested": {"password": f"{CANARY}-password", "list": [1, "two"]}}))
    save(RollcallLedger(url=SecretStr(f"{CANARY}-ledger"), key=SecretStr(f"{CANARY}-key")))
    return api


def load(folder: Path, text: str = JOB, loaded: Blocks | None = None) -> Job:
    """Write a job and load it."""
    (folder / "crm.yaml").write_text(text, encoding="utf-8")
    (folder / "customers.csv").write_text("no,name\n1,Alpha\n", encoding="utf-8")
    return load_job(folder / "crm.yaml", {}, loaded)


@pytest.mark.usefixtures("blocks")
def test_any_field_of_any_block(tmp_path: Path) -> None:
    """Fields of our types, nested fields of Prefect's, and references within a text are filled in, and show nowhere."""
    job = load(tmp_path)
    assert isinstance(job.target, ValomniaSettings)
    assert job.target.username == f"{CANARY}-user"
    assert job.target.password.get_secret_value() == f"{CANARY}-password"
    assert job.ledger.url is not None
    assert job.ledger.url.get_secret_value() == f"sqlite:///{CANARY}-ledger.db"
    assert job.ledger.key is not None
    assert job.ledger.key.get_secret_value() == f"{CANARY}-key"
    assert f"{CANARY}-password" not in repr(job)
    assert f"{CANARY}-key" not in repr(job) + repr(job.ledger)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("acme.username", "nobody.username", "crm.yaml:6: target.username: there is no Prefect block"),
        ("rollcall-credentials.acme", "rollcall-credential.acme", "there is no Prefect block rollcall-credential/acme"),
        (
            ".username }}",
            ".user }}",
            "the block rollcall-credentials/acme has no field user; it has api_key, client_id",
        ),
        (".username }}", ".token }}", "the field token of rollcall-credentials/acme is empty"),
        (".acme.username", ".acme", "name a field of the block rollcall-credentials/acme: api_key, client_id"),
        (".nested.password", "", "the block secret/acme holds several values here"),
        (".nested.password", ".nested.pasword", "crm.yaml:7: target.password: the block secret/acme has no field"),
        (
            ".secret.acme.nested.password",
            ".secret",
            "crm.yaml:7: target.password: write a block as {{ prefect.blocks.TYPE",
        ),
    ],
)
@pytest.mark.usefixtures("blocks")
def test_a_wrong_reference_is_explained(tmp_path: Path, old: str, new: str, words: str) -> None:
    """What is missing is named with its line, never with a value."""
    assert old in JOB
    with pytest.raises(JobError) as caught:
        load(tmp_path, JOB.replace(old, new, 1))
    assert words in str(caught.value)
    assert CANARY not in str(caught.value)


@pytest.mark.usefixtures("blocks")
def test_a_block_is_read_once(tmp_path: Path) -> None:
    """However often a job refers to a block, and whoever else asks for it, it is read once."""
    read: list[BlockName] = []

    class Counting(Blocks):
        def data(self, block: BlockName) -> dict[str, object]:
            before = block in self._read
            found = super().data(block)
            read.extend([block] * (not before))
            return dict(found)

    seen = Counting()
    load(tmp_path, loaded=seen)
    load(tmp_path, loaded=seen)
    assert sorted(map(str, read)) == ["rollcall-credentials/acme", "rollcall-ledger/acme", "secret/acme"]


def checks(folder: Path, text: str) -> dict[str, Check]:
    """Check a job, and give what was found by name."""
    (folder / "crm.yaml").write_text(text, encoding="utf-8")
    (folder / "customers.csv").write_text("no,name\n1,Alpha\n", encoding="utf-8")
    return {check.name: check for check in check_job(folder / "crm.yaml", f"sqlite:///{folder / 'x.db'}", {})}


@pytest.mark.usefixtures("blocks")
def test_check_tells_of_each_block(tmp_path: Path) -> None:
    """`check` has a line for each block that the job refers to, with the fields that are set."""
    found = checks(tmp_path, JOB)
    assert found["block rollcall-ledger/acme"].found == "found, key and url are set"
    assert found["block rollcall-credentials/acme"].found == "found, username is set"
    assert found["job"].exit_code == ExitCode.DONE
    assert CANARY not in "".join(check.found for check in found.values() if check.name != "ledger")


@pytest.mark.usefixtures("blocks")
def test_check_tells_what_is_wrong_with_each(tmp_path: Path) -> None:
    """Every block is looked at, not the first alone, and the job is not said to be right."""
    text = JOB.replace("acme.username", "acme.token").replace("rollcall-ledger.acme.key", "rollcall-ledger.other.key")
    found = checks(tmp_path, text)
    assert found["block rollcall-credentials/acme"].found == "the field token of rollcall-credentials/acme is empty"
    assert found["block rollcall-ledger/other"].found == "there is no Prefect block rollcall-ledger/other"
    assert found["block rollcall-ledger/acme"].exit_code == ExitCode.DONE
    assert found["job"].exit_code == ExitCode.JOB
    assert set(found) == {name for name in found if name.startswith("block ")} | {"job"}


def test_no_api_that_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Prefect cannot be reached, the message names the key, and no address with its password."""
    from prefect.settings import PREFECT_API_URL, temporary_settings

    monkeypatch.setenv("PREFECT_CLIENT_MAX_RETRIES", "0")
    with (
        temporary_settings({PREFECT_API_URL: f"http://me:{CANARY}@127.0.0.1:9/api"}),
        pytest.raises(JobError, match=r"target\.username: the Prefect block .* cannot be read") as caught,
    ):
        load(tmp_path)
    assert CANARY not in str(caught.value)


def test_what_a_reference_brings_in_is_no_reference(tmp_path: Path) -> None:
    """A variable whose value looks like a reference is a value."""
    job = JOB.replace('"{{ prefect.blocks.rollcall-credentials.acme.username }}"', "${NAME}")
    text = job.replace('"{{ prefect.blocks.secret.acme.nested.password }}"', "x").partition("ledger:")[0]
    (tmp_path / "crm.yaml").write_text(text, encoding="utf-8")
    loaded = load_job(tmp_path / "crm.yaml", {"NAME": "{{ prefect.blocks.secret.no-such }} ${NAME}"})
    assert isinstance(loaded.target, ValomniaSettings)
    assert loaded.target.username == "{{ prefect.blocks.secret.no-such }} ${NAME}"


def test_references_are_listed_without_looking_them_up(tmp_path: Path) -> None:
    """Variables and blocks of a file are found by reading it alone."""
    (tmp_path / "crm.yaml").write_text(JOB.replace("crm", "${JOB}-${JOB}"), encoding="utf-8")
    found = list_references(tmp_path / "crm.yaml")
    assert found.variables == ("JOB",)
    assert [str(each) for each in found.blocks] == [
        "{{ prefect.blocks.rollcall-credentials.acme.username }}",
        "{{ prefect.blocks.rollcall-ledger.acme.key }}",
        "{{ prefect.blocks.rollcall-ledger.acme.url }}",
        "{{ prefect.blocks.secret.acme.nested.password }}",
    ]


def test_a_number_stays_one() -> None:
    """A value that is a number is given as it is, and one of a list is found by its place."""
    blocks = Blocks({BlockName("json", "a"): {"value": {"rate": 5, "names": ["x", "y"]}}})
    assert blocks.value(BlockReference.parse("json.a.rate")) == 5
    assert blocks.value(BlockReference.parse("json.a.value.names[1]")) == "y"
    assert blocks.value(BlockReference.parse("json.a.names.0")) == "x"
    with pytest.raises(LookupError, match="no field names"):
        blocks.value(BlockReference.parse("json.a.names[2]"))
    assert "rate" not in repr(blocks)


def test_our_types_are_forms() -> None:
    """Each of our types has a description and fields whose values Prefect hides, and every field is explained."""
    for kind in TYPES:
        assert kind.get_block_type_slug().startswith("rollcall-")
        assert len(str(kind.get_description())) > 40
        schema = kind.model_json_schema()
        assert schema["secret_fields"]
        for name, field in schema["properties"].items():
            assert field["title"], name
            assert len(field["description"]) > 5, name


def test_each_job_has_a_block_of_its_own() -> None:
    """Names that a block may not have become ones that it may, and two jobs never share one."""
    assert slug("crm") == "crm"
    made = {slug(name) for name in ("crm", "Crm", "crm.", "c.rm", "c-rm", "c_rm")}
    assert len(made) == 6
    assert all(name.replace("-", "").isalnum() and name.islower() for name in made)
