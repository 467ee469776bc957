"""The commands: help, and errors that are one sentence."""

import errno
import re
import subprocess
import sys

import pytest

from mmlearn.cli import main

COMMANDS = [[], ["lab"], ["doctor"], ["reset"], ["progress"], ["build"], ["data"], ["data", "check"], ["data", "build"]]
COMMANDS += [["experiment"], ["zoo"], ["zoo", "list"], ["zoo", "train"], ["zoo", "check"], ["bench"], ["new"]]


def whole_lines(text: str) -> str:
    """argparse puts the sentence of a long name on the next line: join the two."""
    return re.sub(r"\n {10,}", " ", text)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(command, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "200")  # no sentence wraps
    with pytest.raises(SystemExit) as left:
        main([*command, "--help"])
    assert left.value.code == 0
    text = whole_lines(capsys.readouterr().out)
    assert text.startswith(" ".join(["usage: mmlearn", *command]))
    # An option or command without a sentence stands alone on its line.
    listed = [line.split() for line in text.splitlines() if line.startswith("  ") and "mmlearn" not in line]
    assert all(len(words) > 1 or words in (["COMMAND"], ["ACTION"]) for words in listed)


def test_help_lists_every_command(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
    text = whole_lines(capsys.readouterr().out)
    assert all(f"\n    {command[0]} " in text for command in COMMANDS if len(command) == 1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "required: COMMAND"),
        (["pogress"], "invalid choice: 'pogress'"),
        (["build", "--execute", "--check"], "not allowed with"),
        (["lab", "--port", "many"], "invalid int value: 'many'"),
        (["data"], "required: ACTION"),
        (["experiment", "--jobs", "two"], "invalid int value: 'two'"),
        (["bench", "--size", "huge"], "invalid choice: 'huge'"),
        (["new"], "required: NN_name"),
    ],
)
def test_a_wrong_command_line_is_told(arguments, said, capsys):
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("the set is odd"), "mmlearn: the set is odd\n"),
        (FileNotFoundError("run make lab first"), "mmlearn: run make lab first\n"),
        (
            OSError(errno.ENOSPC, "No space left on device", "work/x"),
            "mmlearn: No space left on device: work/x. `mmlearn doctor`, in a terminal, says what to do.\n",
        ),
    ],
)
def test_an_error_is_one_sentence(error, said, monkeypatch, capsys):
    def fail(name):
        raise error

    monkeypatch.setattr("mmlearn.data.check", fail)
    assert main(["data", "check"]) == 1
    seen = capsys.readouterr()
    assert (seen.out, seen.err) == ("", said)


def test_ctrl_c_is_no_traceback(monkeypatch, capsys):
    def stopped(name):
        raise KeyboardInterrupt

    monkeypatch.setattr("mmlearn.data.check", stopped)
    assert main(["data", "check"]) == 130
    assert capsys.readouterr().err == "\nStopped.\n"


def test_our_own_mistakes_keep_their_traceback(monkeypatch):
    monkeypatch.setattr("mmlearn.data.check", lambda name: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        main(["data", "check"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["data", "check", "emojis"], "There is no data set 'emojis'. There is: emoji, stamps, "),
        (["data", "build", "emojis"], "There is no data set 'emojis'. There is: emoji, stamps, "),
        (["build", "77"], "77"),
        (["bench", "vits"], "no model to measure is called 'vits'; there are vit, clip"),
    ],
)
def test_a_wrong_name_is_told_with_the_right_ones(arguments, said, capsys):
    assert main(arguments) != 0
    seen = capsys.readouterr()
    assert said in seen.out + seen.err and "Traceback" not in seen.err


def test_damaged_progress_is_told_with_an_exit_code(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("MMLEARN_PROGRESS", str(tmp_path / "p.json"))
    (tmp_path / "p.json").write_text("{")
    assert main(["progress"]) == 1
    seen = capsys.readouterr()
    assert seen.err.startswith("mmlearn: ") and "move it away" in seen.err and seen.err.count("\n") == 1


def test_a_misplaced_package_is_told(tmp_path):
    code = "import sys; from mmlearn.cli import main; sys.exit(main(['data', 'check']))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={"MMLEARN_ROOT": str(tmp_path)}
    )
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith(f"mmlearn: {tmp_path} is not the course's folder") and "Traceback" not in done.stderr


def test_experiment_without_a_name_lists_them(capsys):
    assert main(["experiment"]) == 0
    listed = capsys.readouterr().out
    assert "vit-positions" in listed and "What do positions bring" in listed


def test_an_unknown_experiment_is_told_in_one_sentence(capsys):
    assert main(["experiment", "vit-position"]) == 1
    assert "no experiment is called 'vit-position'; there are" in capsys.readouterr().err
