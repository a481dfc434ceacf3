"""The files that people really have (contract.md §3, security cases 76 and 77)."""

import csv
import gzip
import io
import re
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from campaigns.audience.reading import BROKEN, UnreadableFile, count_rows, opened, other_encoding
from tests.audience.importing import written
from winback.spreadsheets import as_meant, harmless

HEADER = "external_id,email,first_name\n"


def rows(path: Path, encoding: str | None = None) -> list[dict[str, str]]:
    with opened(path, encoding=encoding) as table:
        return [row for _, row in table.rows]


def lines(path: Path) -> list[int]:
    with opened(path) as table:
        return [line for line, _ in table.rows]


ANN = [{"external_id": "1", "email": "ann@example.com", "first_name": "Ann"}]


@pytest.mark.parametrize(
    "content",
    [
        b"external_id,email,first_name\n1,ann@example.com,Ann\n",
        b"external_id,email,first_name\n1,ann@example.com,Ann",
        b"\xef\xbb\xbfexternal_id,email,first_name\n1,ann@example.com,Ann\n",
        b"external_id;email;first_name\r\n1;ann@example.com;Ann\r\n",
        b"external_id\temail\tfirst_name\n1\tann@example.com\tAnn\n",
        b"external_id,email,first_name\r1,ann@example.com,Ann\r",
        b"sep=;\r\nexternal_id;email;first_name\r\n1;ann@example.com;Ann\r\n",
        b"\n\nexternal_id,email,first_name\n\n1,ann@example.com,Ann\n\n",
        b" External_ID , EMAIL,first_name,\n 1 , ann@example.com ,Ann,\n",
        b'"external_id","email","first_name"\n"1","ann@example.com","Ann"\n',
        b"external_id,email,first_name\n1,ann@example.com,A\0nn\n",
        "external_id,email,first_name\n1,ann@example.com,Ann\n".encode("utf-16"),
        "external_id,email,first_name\n1,ann@example.com,Ann\n".encode("utf-16-le"),
        "external_id,email,first_name\n1,ann@example.com,Ann\n".encode("utf-16-be"),
        gzip.compress(b"external_id,email,first_name\n1,ann@example.com,Ann\n"),
    ],
    ids=[
        "plain", "no last line end", "BOM", "semicolon and CRLF", "tab", "CR", "sep=", "blank lines",
        "blanks and capitals", "quotes", "NUL", "UTF-16 with BOM", "UTF-16 LE", "UTF-16 BE", "gzip",
    ],
)  # fmt: skip
def test_the_same_row_in_many_dresses(tmp_path: Path, content: bytes) -> None:
    assert rows(written(tmp_path, content)) == ANN


def test_a_quoted_value_may_hold_line_ends_delimiters_and_quotes(tmp_path: Path) -> None:
    path = written(tmp_path, HEADER + '1,a@example.com,"Ann\nof ""the, hill"""\n2,b@example.com,Bob\n')

    assert rows(path)[0]["first_name"] == 'Ann\nof "the, hill"'
    assert lines(path) == [3, 4]  # the line on which a row ends


def test_a_short_row_has_no_last_values(tmp_path: Path) -> None:
    assert rows(written(tmp_path, HEADER + "1\n")) == [{"external_id": "1"}]


def test_a_row_with_more_values_than_columns_is_broken(tmp_path: Path) -> None:
    found = rows(written(tmp_path, HEADER + "1,a@example.com,Ann, of the hill\n2,b@example.com,Bob\n"))

    assert "more values" in found[0][BROKEN]
    assert found[1]["first_name"] == "Bob"


@pytest.mark.parametrize("many", [3, 3_000])
def test_a_quote_that_nobody_closes_costs_its_own_row_alone(tmp_path: Path, many: int) -> None:
    good = "".join(f"{number},c{number}@example.com,Cy\n" for number in range(2, many))

    found = rows(written(tmp_path, HEADER + '1,a@example.com,"Ann\n' + good))

    assert "quote" in found[0][BROKEN]
    assert [row["external_id"] for row in found[1:]] == [str(number) for number in range(2, many)]


def test_a_quote_closed_by_a_later_row_costs_its_own_row_alone(tmp_path: Path) -> None:
    path = written(
        tmp_path, HEADER + '1,a@example.com,"Ann\n2,b@example.com,Bob\n3,"c@example.com",Cy\n4,d@example.com,Di\n'
    )

    found = rows(path)

    assert "quote" in found[0][BROKEN]
    assert [row["external_id"] for row in found if BROKEN not in row] == ["2", "3", "4"]


def test_a_row_of_several_lines_with_too_few_values_is_not_cut_into_rows(tmp_path: Path) -> None:
    found = rows(written(tmp_path, HEADER + '1,"a@example.com\nsecond line"\n2,b@example.com,Bob\n'))

    assert [BROKEN in row for row in found] == [True, False]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no header row"),
        (b"\n\n\n", "no header row"),
        (b",,,\n", "no header row"),
        (b"email,phone,EMAIL\n", "column email twice"),
        (",".join(f"c{number}" for number in range(10_000)).encode(), "10000 columns"),
        (b"<!DOCTYPE html><html><body>Please sign in</body></html>", "not a CSV file"),
        (b"\n  <html>\n", "not a CSV file"),
        (b'<?xml version="1.0"?>', "not a CSV file"),
        (b"%PDF-1.7 ...", "not a CSV file"),
        (b'{"contacts": []}', "not a CSV file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old or encrypted Excel"),
        (b"PK\x03\x04 and then nonsense", "not a workbook"),
        (b"email,first_name\nann@example.com,Andr\xe9\n", "not UTF-8"),
        (b'email,"first_name\nann@example.com,Ann\n', "line 1"),
        (b"email,first_name\n" + b"x" * 3_000_000, "characters"),
        (gzip.compress(b"email,first_name\nann@example.com,Ann\n" * 9_000)[:-40], "cannot be unpacked"),
    ],
)
def test_what_cannot_be_read_says_why(tmp_path: Path, content: bytes, words: str) -> None:
    with pytest.raises(UnreadableFile, match=words):
        rows(written(tmp_path, content))


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="no file"):
        rows(tmp_path / "nothing.csv")


def test_an_encoding_can_be_named(tmp_path: Path) -> None:
    path = written(tmp_path, "email,first_name\nann@example.com,André\n".encode("cp1252"))

    assert rows(path, encoding="cp1252")[0]["first_name"] == "André"
    with pytest.raises(UnreadableFile, match="klingon"):
        rows(path, encoding="klingon")


def test_a_packed_file_that_is_one_endless_line_is_given_up_early(tmp_path: Path) -> None:
    bomb = io.BytesIO()
    with gzip.GzipFile(fileobj=bomb, mode="wb") as file:
        for _ in range(64):
            file.write(b"0" * 1_000_000)

    with pytest.raises(UnreadableFile, match="characters"):
        rows(written(tmp_path, bomb.getvalue(), "bomb.csv.gz"))


def workbook(path: Path, *values: list[object]) -> Path:
    book = Workbook()
    sheet = book.create_sheet("Customers", 0)
    for line in values:
        sheet.append(line)
    book.save(path)
    return path


def test_a_workbook_reads_like_a_file(tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "book.xlsx",
        [],
        ["External_ID", "phone", "amount", "acquired_on", "completed_at", "agreed", "email"],
        [1001.0, 5035550142.0, 19.990000000000002, date(2024, 5, 1), datetime(2024, 5, 1, 14, 30), True, None],
    )

    assert rows(path) == [
        {
            "external_id": "1001",
            "phone": "5035550142",
            "amount": "19.99",
            "acquired_on": "2024-05-01",
            "completed_at": "2024-05-01T14:30:00",
            "agreed": "TRUE",
            "email": "",
        }
    ]
    assert lines(path) == [3]


def with_dimension(path: Path, said: bytes) -> Path:
    """The workbook, saying of its first sheet what some programs write there, whatever is in it."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, re.sub(rb'<dimension ref="[^"]*"', b'<dimension ref="%b"' % said, content))
    return path


@pytest.mark.parametrize("said", [b"A1", b"A1:A2", b"A1:XFD1048576"])
def test_a_workbook_that_is_wrong_about_its_size_is_read_to_its_end(tmp_path: Path, said: bytes) -> None:
    path = workbook(tmp_path / "book.xlsx", ["external_id", "email"], *([number, "a@b.com"] for number in range(5)))

    found = rows(with_dimension(path, said))

    assert (len(found), found[4]) == (5, {"external_id": "4", "email": "a@b.com"})


@pytest.mark.parametrize("said", [b"A1:B4", b"A1"])
def test_the_rows_of_a_workbook_are_counted_without_reading_them(tmp_path: Path, said: bytes) -> None:
    path = workbook(tmp_path / "book.xlsx", ["email"], ["a@b.com"], ["c@d.com"], ["e@f.com"])

    assert count_rows(with_dimension(path, said)) == 3


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_the_rows_of_a_file_are_counted(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    assert count_rows(written(tmp_path, pack(b"email\na@b.com\nc@d.com\n"))) == 2


@pytest.mark.parametrize(
    ("content", "guess"),
    [
        ("email,first_name\na@b.com,Renée\n".encode(), ""),
        ("email,first_name\na@b.com,Renée\n".encode("cp1252"), "cp1252"),
        ("email,first_name\na@b.com,Åsa\n".encode("mac_roman"), "mac_roman"),
        ("email,first_name\na@b.com,Renée\n".encode("utf-16"), ""),
        (b"email\n" + b"a@b.com\n" * 20_000 + b"caf\xe9@b.com\n", "cp1252"),
        (("email\n" + "é" * 2_000_000 + "\n").encode(), ""),
    ],
    ids=["UTF-8", "Windows", "Macintosh", "UTF-16", "Windows, far below", "UTF-8 across blocks"],
)
def test_a_file_that_is_no_utf_8_is_known_before_it_is_imported(tmp_path: Path, content: bytes, guess: str) -> None:
    assert other_encoding(written(tmp_path, content)) == guess


def test_a_workbook_is_known_by_its_content_not_its_name(tmp_path: Path) -> None:
    path = workbook(tmp_path / "book.xlsx", ["email"], ["ann@example.com"]).rename(tmp_path / "book.csv")

    assert rows(path) == [{"email": "ann@example.com"}]


def test_a_workbook_that_would_fill_the_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("campaigns.audience.reading.MOST_UNPACKED", 100_000)
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/sharedStrings.xml", "a" * 1_000_000)

    with pytest.raises(UnreadableFile, match="unpack"):
        rows(path)


@given(st.text())
def test_a_cell_that_was_exported_comes_back_as_it_was(text: str) -> None:
    exported = harmless(text)

    assert as_meant(exported) == text
    assert exported[:1] not in {"=", "+", "-", "@", "\t", "\r"}


cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1).filter(
    lambda text: text == text.strip()
)


@given(values=st.lists(st.lists(cells, min_size=2, max_size=2), max_size=5))
def test_what_a_csv_writer_wrote_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, values: list[list[str]]
) -> None:
    path = tmp_path_factory.mktemp("written") / "file.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["a", "b"], *([harmless(cell) for cell in line] for line in values)])

    assert [list(row.values()) for row in rows(path)] == values
