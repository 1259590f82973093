"""What `source.complete` says is held against the files: one that was cut off never gives its last page."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from connectors.csv_file import CsvSettings
from connectors.protocol import BrokenSourceError, Page
from tests.connectors.csv_file.reading import opened, pages


@pytest.mark.parametrize(
    ("texts", "complete", "count"),
    [
        (["no\nA\nB\nEND\n"], "END", 2),
        (["no\nA\nEND;1\n", "no\nB\nEND\n\n"], "END", 2),
        (["no\nEND\n", "no\nB\nEND\n"], "END", 1),
        (["no\nA\n", "no\nB\n"], 2, 2),
        (["no\n"], 0, 0),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 5])
def test_files_that_are_complete_are_read(
    tmp_path: Path, texts: list[str], complete: int | str, count: int, size: int
) -> None:
    """Each file ends with the line that marks its end, which is no record; or all have so many records together."""
    for number, text in enumerate(texts):
        (tmp_path / f"{number}.csv").write_text(text)
    source = opened(tmp_path, "*.csv", key="no", delimiter=";", complete=complete)
    assert sum(page.counted for page in pages(source, size)) == count


@pytest.mark.parametrize(
    ("texts", "complete"),
    [
        (["no\nA\nB\n"], "END"),
        (["no\nA\nB\nEN\n"], "END"),
        (["no\nA\n", "no\nB\nEND\n"], "END"),
        (["no\n"], "END"),
        (["no\nA\n"], 2),
        (["no\nA\nB\nC\n"], 2),
        (["no\nA\nB"], 2),
        (["no\nA", "no\nB\n"], 2),
        (["no\n"], 1),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 5])
def test_e23_a_file_that_is_not_complete_never_gives_its_last_page(
    tmp_path: Path, texts: list[str], complete: int | str, size: int
) -> None:
    """E23: whatever the size of the pages, the reading ends with an error that says so."""
    for number, text in enumerate(texts):
        (tmp_path / f"{number}.csv").write_text(text)
    given: list[Page] = []
    with pytest.raises(BrokenSourceError, match="it may be cut off"):
        given.extend(opened(tmp_path, "*.csv", key="no", complete=complete).pages(None, size))
    count = sum(page.counted for page in given)
    assert count < max(1, sum(len(text.split()) - 1 for text in texts))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-32", "cp1252"])
@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_a_line_break_is_known_in_every_encoding(tmp_path: Path, encoding: str, line_break: str) -> None:
    """Whatever bytes it has."""
    text = line_break.join(["no", "A", "B", ""])
    for shown, complete in ((text, True), (text.removesuffix(line_break), False)):
        (tmp_path / "customers.csv").write_bytes(shown.encode(encoding))
        source = opened(tmp_path, complete=2, encoding=encoding)
        if complete:
            assert sum(page.counted for page in pages(source)) == 2
        else:
            with pytest.raises(BrokenSourceError, match="its last line has no line break"):
                pages(source)


@pytest.mark.parametrize("complete", [True, 1.5, -1, ""])
def test_what_does_not_say_when_a_file_is_complete_is_refused(complete: object) -> None:
    """A count or a text, and nothing that could pass for either."""
    with pytest.raises(ValidationError):
        CsvSettings.model_validate({"kind": "csv", "path": "customers.csv", "complete": complete})
