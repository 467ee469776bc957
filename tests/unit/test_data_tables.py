"""The tables of the document's audio part: what it prints, what the papers print, and where they differ."""

import csv

import pytest

from mmlearn import data
from mmlearn.data.tables import read_table
from mmlearn.paths import root

FOLDER = root() / "data" / "tables"
AUDIO = (  # table: its lines, and those that differ or are left out
    ("encodec-table-1", 80, 20),
    ("moshi-table-4", 63, 16),
    ("moshi-table-7", 48, 4),
    ("audio-codecs", 12, 6),
    ("qwen-audio-tasks", 31, 4),
    ("qwen2.5-omni-text", 18, 0),
    ("qwen2.5-omni-table-8", 30, 7),
    ("qwen2.5-omni-table-9", 53, 17),
    ("audio-language-models", 12, 0),
)


def find(name, column="paper", **wanted):
    (row,) = [row for row in data.table(name) if wanted.items() <= row.items()]
    return row[column]


@pytest.mark.parametrize(("name", "lines", "wrong"), AUDIO)
def test_the_column_differs_says_what_the_others_do(name, lines, wrong):
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == lines and len({tuple(row.values())[:-3] for row in rows}) == lines  # each cell once
    for row in rows:
        document, paper = row["document"], row["paper"]
        same = "no" if document == paper else "yes" if document else "left out"
        assert row["differs"] == (same if paper else "not checked")
        assert document or paper
    assert sum(row["differs"] in ("yes", "left out") for row in rows) == wrong


def test_every_table_is_described():
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert {path.name for path in FOLDER.glob("*.csv")} == {
        line.split("`")[1] for line in text.splitlines() if line.startswith("| `")
    }


def test_numbers_are_read_as_numbers():
    for name in ("encodec-table-1", "moshi-table-4", "qwen2.5-omni-table-8", "qwen2.5-omni-table-9"):
        values = [row["paper"] for row in data.table(name) if row.get("measure") != "causal"]
        assert all(isinstance(value, (int, float)) or value == "-" for value in values)


def test_cells_that_the_document_has_wrong_or_not():
    opus = {"model": "Opus", "kbps": 6.0, "category": "music set 2", "statistic": "mean"}
    assert (find("encodec-table-1", **opus), find("encodec-table-1", "document", **opus)) == (17.9, 17.5)
    assert find("encodec-table-1", **{**opus, "category": "clean speech"}) == 30.1
    assert find("moshi-table-4", model="Mimi, EnCodec's losses", measure="MUSHRA") == 58.8
    assert find("moshi-table-7", model="Moshi after multi-stream instruct", measure="MMLU") == 49.7
    assert find("audio-codecs", feature="tokens a second", model="Mimi") == 100
    assert find("qwen-audio-tasks", task="VSC") == "speech"
    assert find("qwen2.5-omni-table-8", model="Qwen2.5-Omni-7B", category="average") == 56.13
    hard = {"model": "Qwen2.5-Omni-7B RL", "measure": "word error rate, %", "test set": "test-hard"}
    assert find("qwen2.5-omni-table-9", **hard) == 6.54


def test_an_empty_table_is_told_with_the_command_that_mends_it(tmp_path):
    (tmp_path / "t.csv").write_text("")
    with pytest.raises(ValueError, match=r"t\.csv is empty. Mend it with `git checkout"):
        read_table(tmp_path / "t.csv")
