"""`grade`: a line a pair, in order, from a file or standard input."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path

import pytest

from backend.__main__ import main
from backend.cli.grade import grade
from backend.core.errors import BadInput
from backend.service.regrading import SERIES
from storage import Store


def lines(*asked: object) -> str:
    return "".join(json.dumps(each) + "\n" for each in asked)


def graded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, *, as_json: bool = True
) -> str:
    file = tmp_path / "pairs.jsonl"
    file.write_text(text, encoding="utf-8")
    assert grade([str(file)], as_json=as_json) == 0
    return capsys.readouterr().out


def test_each_line_has_a_verdict_in_order(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = lines(
        {"given": "1/2", "right": "0.5"},
        {"given": 3, "right": 4, "id": "ignored"},
        {"text": "The answer is 7 because 3 + 4 = 7.", "right": "7"},
        {"text": "I do not know.", "right": "7"},
    )
    found = [json.loads(line) for line in graded(tmp_path, capsys, text).splitlines()]
    assert [each["equal"] for each in found] == [True, False, True, False]
    assert all({"equal", "read_given", "read_right", "reason"} <= each.keys() for each in found)
    assert (found[2]["answer"], found[2]["read_by"]) == ("7", "marker")
    assert "no rule found an answer" in found[3]["reason"]


def test_the_table_ends_with_totals(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (
        "\ufeff" + lines({"given": "1", "right": "1"}) + "\n" + lines({"given": "1", "right": "2"})
    )
    shown = graded(tmp_path, capsys, text, as_json=False).splitlines()
    assert shown[0].startswith("equal") and shown[1].startswith("different")
    assert shown[-1] == "2 lines: 1 equal, 1 different, 0 undecided"


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ("no JSON", "no JSON"),
        ("[1, 2]", "given"),
        ('{"given": "1"}', "right"),
        ('{"right": "1"}', "exactly one"),
        ('{"given": "1", "text": "1", "right": "1"}', "exactly one"),
        ('{"given": null, "right": "1"}', "exactly one"),
        ('{"given": true, "right": "1"}', "given"),
        ("[" * 100_000, "["),
    ],
)
def test_a_bad_line_is_named_after_the_verdicts_before_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], bad: str, said: str
) -> None:
    with pytest.raises(BadInput, match="line 2") as refused:
        graded(tmp_path, capsys, lines({"given": "1", "right": "1"}) + bad + "\n")
    assert said in str(refused.value)
    assert json.loads(capsys.readouterr().out)["equal"] is True


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="No such file"):
        grade([str(tmp_path / "none")], as_json=True)
    (tmp_path / "bytes").write_bytes(b'{"given": "1", "right": "1"}\n\xff\xfe')
    with pytest.raises(BadInput, match="UTF-8"):
        grade([str(tmp_path / "bytes")], as_json=True)


def test_a_dash_is_standard_input(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(lines({"given": "1", "right": "1"})))
    assert grade(["-"], as_json=True) == 0
    assert json.loads(capsys.readouterr().out)["equal"] is True


def test_a_thousand_short_pairs_take_few_seconds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = lines(*({"given": f"{number}/4", "right": f"{number / 4}"} for number in range(1_000)))
    began = time.process_time()
    assert graded(tmp_path, capsys, text).count('"equal": true') == 1_000
    assert time.process_time() - began < 10


def test_stored_runs_are_graded_anew_and_keep_their_verdicts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    db = tmp_path / "store.duckdb"
    asked = ["--strategy", "chain", "--engine", "scripted", "--verifier", "exact", "--json"]
    question = ["--question", "What is 1 + 2 + 3?", "--answer", "6", "--db", str(db)]
    assert main(["run", *asked, *question]) == 0
    run = json.loads(capsys.readouterr().out)["run_id"]

    assert main(["grade", "--stored", "--write", "--json", "--db", str(db)]) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert found and all(each["run"] == run and not each["differs"] for each in found)
    store = Store.open(db)
    try:
        assert store.series(run) == {SERIES: len(found)}
        scores = store.series_scores(run, SERIES)
        assert [each.value for each in scores] == [float(each["now"]) for each in found]
    finally:
        store.close()
    assert main(["verify-run", str(run), "--json", "--db", str(db)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {"sound": True, "findings": [], "differences": []}


def test_options_for_stored_runs_go_with_stored(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["grade", "pairs.jsonl", "--write"]) == 2
    assert "only with --stored" in capsys.readouterr().err
    assert main(["grade", "--stored", "pairs.jsonl"]) == 2
    assert "the number of a stored run" in capsys.readouterr().err
    assert main(["grade"]) == 2
