"""Faults of what a file holds: cut off, fields too many, unclosed quotes, other bytes, other headers; bombs (X11)."""

from __future__ import annotations

import csv
import gzip
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.protocol import ConfigurationError
from flows.document import JobError
from flows.export import write_rejects
from flows.ledger.history import History
from flows.report import reject_groups
from flows.summary import ExitCode
from mappings.system import load_system
from tests.faults.csv_run import CsvRuns

ROOT = Path(__file__).parents[2]
COUNT = 10_000


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[CsvRuns]:
    """Give a job over a file whose records have a key, in pages of 1,000."""
    made = CsvRuns(tmp_path, {"key": "no"}, 1000)
    yield made
    made.ledger.close()


def write(runs: CsvRuns, data: str | bytes) -> None:
    """Write the file as it stands."""
    (runs.folder / "customers.csv").write_bytes(data if isinstance(data, bytes) else data.encode())


def body(count: int) -> str:
    """Make customers, with the lines that end them."""
    return "no,name\n" + "".join(f"C-{n},Name {n}\n" for n in range(count))


def refusal(runs: CsvRuns) -> str:
    """Run a job that is wrong; gives what it says, once it is sure that nobody was sent."""
    with pytest.raises((ConfigurationError, JobError)) as caught:
        runs.run()
    assert runs.target.journal == []
    return str(caught.value)


@pytest.mark.parametrize(("complete", "end"), [("END", "END\n"), (str(COUNT), "")])
def test_e23_of_a_file_cut_in_mid_record_the_last_page_is_not_sent(runs: CsvRuns, complete: str, end: str) -> None:
    """E23: "C-9999,Na" is no customer; the pages before stand, the exit code is 1, and the whole file does the rest."""
    runs.settings |= {"complete": complete}
    whole = body(COUNT)
    write(runs, whole[:-6])  # two characters of the name, and no line break
    summary = runs.run()
    assert (summary.exit_code, summary.counts.created) == (ExitCode.FAILED, COUNT - 1000)
    assert "it may be cut off" in (summary.message or "")
    assert "C-9999" not in runs.target.customers
    write(runs, whole + end)
    assert runs.run().counts.created == 1000
    assert runs.target.customers["C-9999"]["name"] == "Name 9999"


@pytest.mark.parametrize("cut", range(1, 40, 3))
def test_e23_of_a_short_file_cut_anywhere_nobody_is_sent(runs: CsvRuns, cut: int) -> None:
    """E23: where that shows in the first page the job is wrong (exit code 2)."""
    runs.settings |= {"complete": "END"}
    write(runs, (body(20) + "END\n")[:-cut][:-1])
    summary = runs.run()
    assert summary.exit_code is ExitCode.JOB
    assert "it may be cut off" in (summary.message or "")
    assert runs.target.journal == []


@pytest.mark.parametrize("cut", [1, 4, 8, 9, 500])
def test_e23_a_gzip_file_cut_off_shows_it_by_itself(runs: CsvRuns, cut: int) -> None:
    """E23: without its trailer, or some of it, no record of its end is believed."""
    write(runs, gzip.compress(body(COUNT).encode())[:-cut])
    summary = runs.run()
    assert summary.exit_code is ExitCode.FAILED
    assert "the archive is damaged, or cut off" in (summary.message or "")
    assert "C-9999" not in runs.target.customers


def test_e23_a_zip_archive_cut_off_shows_it_by_itself(runs: CsvRuns) -> None:
    """E23: its directory is missing, and nobody is sent."""
    path = runs.folder / "customers.csv"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("customers.csv", body(COUNT))
    path.write_bytes(path.read_bytes()[:-10])
    assert "the zip archive is damaged, or cut off" in refusal(runs)


def test_e24_a_record_with_an_extra_field_is_one_reject_and_shifts_nobody(runs: CsvRuns) -> None:
    """E24: 9,999 are loaded, each with its own values."""
    write(runs, body(COUNT).replace("C-4321,Name 4321\n", "C-4321,Name,4321\n"))
    summary = runs.run()
    assert (summary.counts.created, summary.counts.invalid) == (COUNT - 1, 1)
    assert runs.rejected() == [("line 4323", "field_count")]
    assert all(values["name"] == f"Name {key[2:]}" for key, values in runs.target.customers.items())


def test_e24_rejects_of_several_files_say_which_file(runs: CsvRuns, tmp_path: Path) -> None:
    """E24: whether the file's line is at fault or the value that it has, the file is told beside the line."""
    (runs.folder / "c-1.csv").write_text("no,name\nA,N\nB,N,extra\n")
    (runs.folder / "c-2.csv").write_text("no,name\nC,\nD,N\n")
    assert runs.run(path="'c-*.csv'").counts.invalid == 2
    entries = History(runs.ledger).rejects("crm")
    assert [(entry.source_key, entry.file, entry.line, entry.place) for entry in entries] == [
        ("line 3 of c-1.csv", "c-1.csv", 3, "c-1.csv:3"),
        ("C", "c-2.csv", 2, "c-2.csv:2"),
    ]
    (group, _) = reject_groups(entries, load_system("valomnia"))
    assert group["lines"] == ["c-1.csv:3"]
    write_rejects(tmp_path / "rejects.csv", entries)
    with (tmp_path / "rejects.csv").open(newline="", encoding="utf-8") as file:
        assert [(row["file"], row["line"]) for row in csv.DictReader(file)] == [("c-1.csv", "3"), ("c-2.csv", "2")]


def test_e25_values_that_look_like_numbers_arrive_as_they_are(runs: CsvRuns) -> None:
    """E25: leading zeros, plus signs, NA, long integers and exponents, from the file to the target."""
    values = ["007", "01234", "+46701234567", "NA", "9007199254740993", "1e5"]
    write(runs, "no,name\n" + "".join(f"C-{n},{value}\n" for n, value in enumerate(values)))
    assert runs.run().exit_code is ExitCode.DONE
    assert [values["name"] for _, values in sorted(runs.target.customers.items())] == values


def test_e26_an_unclosed_quote_is_named_by_its_line_and_nobody_is_sent(runs: CsvRuns) -> None:
    """E26: on line 3 of 10,000, that is in the first page: exit code 2."""
    write(runs, body(COUNT).replace("C-1,Name", 'C-1,"Name'))
    summary = runs.run()
    assert summary.exit_code is ExitCode.JOB
    assert "the record that begins on line 3 cannot be read" in (summary.message or "")
    assert runs.target.journal == []


def test_e27_exactly_the_records_with_bytes_of_another_encoding_are_rejects(runs: CsvRuns) -> None:
    """E27: a BOM is no part of the header, a lone 0xFF and a NUL are their records' faults, and no other's."""
    text = body(100).replace("Name 50", "Zoë")
    data = text.encode("utf-8-sig").replace(b"Name 7\n", b"Name \xff\n").replace(b"Name 8\n", b"Na\x00me\n")
    write(runs, data)
    summary = runs.run()
    assert (summary.counts.created, summary.counts.invalid) == (98, 2)
    assert sorted(runs.rejected()) == [("C-8", "undecodable"), ("line 9", "undecodable")]
    assert runs.target.customers["C-50"]["name"] == "Zoë"


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-16-le"])
def test_e27_other_encodings_are_read_where_they_are_set(runs: CsvRuns, encoding: str) -> None:
    """E27: and where they are not, the header or the records say so; no half of a character is sent."""
    write(runs, body(3).replace("Name 1", "Zoë").encode(encoding))
    if encoding == "cp1252":
        assert runs.run().counts.invalid == 1
    else:
        refusal(runs)
    runs.settings |= {"encoding": encoding}
    assert runs.run().exit_code is ExitCode.DONE
    assert runs.target.customers["C-1"]["name"] == "Zoë"


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("no,name,name", "columns 2, 3 of the header have one name"),
        ("no,city,phone", "name"),
        ("number,name,city", r"there is no column 'no' (source.key)"),
        ("", "is empty; its first line must be the header"),
    ],
)
def test_e28_a_header_that_is_wrong_stops_the_run_before_its_first_record(
    runs: CsvRuns, header: str, words: str
) -> None:
    """E28: a name twice, one that the mapping or the job needs and that is not there, or no header at all."""
    write(runs, f"{header}\n" + "C-1,N,x\n" * 3 if header else "")
    assert words in refusal(runs)


def test_e28_columns_in_another_order_and_new_ones_are_fine(runs: CsvRuns) -> None:
    """E28: a column goes by its name; one that the job does not use is told once."""
    write(runs, body(3))
    runs.run()
    write(runs, "name,extra,no\n" + "".join(f"Name {n},x,C-{n}\n" for n in range(3)))
    summary = runs.run()
    assert (summary.exit_code, runs.target.journal) == (ExitCode.DONE, [])
    assert "the source has a new column 'extra'" in runs.notices
    assert {key: values["name"] for key, values in runs.target.customers.items()} == {
        f"C-{n}": f"Name {n}" for n in range(3)
    }


def test_e28_one_of_several_files_with_another_header_stops_the_run(runs: CsvRuns) -> None:
    """E28: it is named, and nobody of the others is sent."""
    for name, text in (("c-1.csv", body(3)), ("c-2.csv", "no,name,city\nD-1,N,x\n")):
        (runs.folder / name).write_text(text)
    with pytest.raises(ConfigurationError, match=r"c-2\.csv: has columns of its own"):
        runs.run(path="'c-*.csv'")
    assert runs.target.journal == []


def test_e29_a_file_that_appears_while_others_are_read_ends_the_run(runs: CsvRuns) -> None:
    """E29: what was sent stands, and a later run over files that stay does the rest, those that came included."""
    runs.page_size = 2
    for number in (1, 2):
        (runs.folder / f"c-{number}.csv").write_text(body(9).replace("C-", f"{number}-"))

    def meddle(step: str) -> None:
        if step == "confirmed":
            (runs.folder / "c-3.csv").write_text(body(9).replace("C-", "3-"))

    summary = runs.run(path="'c-*.csv'", on_step=meddle)
    assert summary.exit_code is ExitCode.FAILED
    assert "a file came or went while they were being read" in (summary.message or "")
    assert runs.run(path="'c-*.csv'").counts.created + summary.counts.created == 27
    assert len(runs.target.customers) == 27


def test_e29_a_file_that_comes_late_brings_records_older_than_the_watermark(runs: CsvRuns) -> None:
    """E29: south exports an hour after north; nobody of south is left out for being older than what north brought."""
    runs.settings |= {"updated_at": "changed"}
    path = "'c-*.csv'"
    runs.write([("N-1", "N", "2024-05-01T12:00:00Z")], name="c-north.csv")
    runs.run(path=path)
    runs.write([("S-1", "N", "2024-05-01T09:00:00Z")], name="c-south.csv")
    assert runs.run(path=path).counts.created == 1
    runs.write([("N-1", "N", "2024-05-01T12:00:00Z"), ("N-2", "N", "2024-05-02T12:00:00Z")], name="c-north.csv")
    assert runs.run(path=path).counts.created == 1
    runs.write([("S-1", "M", "2024-05-01T10:00:00Z"), ("S-2", "N", "2024-05-02T09:00:00Z")], name="c-south.csv")
    summary = runs.run(path=path)
    assert (summary.counts.created, summary.counts.updated) == (1, 1)
    assert sorted(runs.target.customers) == ["N-1", "N-2", "S-1", "S-2"]


READ = """\
import resource, sys
from pathlib import Path
from connectors.csv_file import CsvSettings, CsvSource
from connectors.protocol import ConnectorError
source = CsvSource(CsvSettings(kind="csv", path=sys.argv[1]), Path())
before, told = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, "read"
try:
    source.open()
    for page in source.pages(None, 1000):
        pass
except ConnectorError as error:
    told = str(error)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024, told)
"""


def pack(path: Path, line: bytes, kind: str) -> None:
    """Pack 200 MB of one line."""
    content = b"no,name\n" + line * (200_000_000 // len(line))
    if kind == "gzip":
        path.write_bytes(gzip.compress(content))
        return
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("customers.csv", content)


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in KiB on Linux alone")
@pytest.mark.parametrize("kind", ["gzip", "zip"])
@pytest.mark.parametrize("line", [b"\0", b"1," + b"x" * 1000 + b"\n"], ids=["without lines", "in lines"])
def test_x11_an_archive_that_unpacks_to_a_thousand_times_its_size_ends_the_reading(
    tmp_path: Path, kind: str, line: bytes
) -> None:
    """X11: 200 KB that are 200 MB, whether in records or in one line without end, take 50 MiB beyond the 16 allowed."""
    path = tmp_path / "customers.csv"
    pack(path, line, kind)
    assert path.stat().st_size < 1_000_000
    done = subprocess.run(
        [sys.executable, "-c", READ, str(path)],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip # a table: it reads in rows
    grown, _, told = done.stdout.partition(" ")
    assert "customers.csv: " in told
    assert "times its size" in told or "a line of more than 16 MiB" in told
    assert int(grown) <= 66


def test_x11_a_bomb_reaches_no_target(runs: CsvRuns) -> None:
    """X11: where it shows in the first page nobody is sent; found later, the pages before stand, as of any file."""
    with gzip.open(runs.folder / "customers.csv", "wb") as file:
        file.write(body(5).encode() + b"C-6," + b"x" * 100_000_000)
    assert "unpacks to more than 200 times its size" in refusal(runs)
