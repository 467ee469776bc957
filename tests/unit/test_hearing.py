"""Listening tests in a notebook: rated blind, kept at once, uncovered for good, whatever goes wrong."""

import json
import os
import re
import subprocess
import sys

import pytest
import torch
from drawn import assert_readable, words

from mmlearn.course import Trial, hearing, mushra, mushra_results, ratings
from mmlearn.course.drawings.mushra import scores
from mmlearn.course.hearing_panel import ANEW, Panel
from mmlearn.eval.listening import HIDDEN_REFERENCE, LOW_ANCHOR, Rating

NAMES = ["a", "b", HIDDEN_REFERENCE, LOW_ANCHOR]
GIVEN = {"a": 40, "b": 60, HIDDEN_REFERENCE: 95, LOW_ANCHOR: 20}


@pytest.fixture(autouse=True)
def new_kernel(monkeypatch):
    """Each test begins as a kernel does: nothing was shown in it."""
    monkeypatch.setattr(hearing, "_tests", {})


def trial(words: str, pitch: float, **systems: float) -> Trial:
    tones = {name: torch.sin(p * torch.arange(3_200)) / 2 for name, p in {"reference": pitch, **systems}.items()}
    return Trial(words, tones.pop("reference"), tones)


TRIALS = [trial("a <low> tone", 0.1, a=0.11, b=0.12), trial("a high tone", 0.5, a=0.51, b=0.52)]


def show(trials=TRIALS) -> hearing.ListeningTest:
    assert mushra("toy.codecs", trials) is None, "a notebook would show it"
    return hearing._tests["toy.codecs"]


def restart() -> None:
    hearing._tests.clear()


def rate(panel: Panel, given=GIVEN) -> None:
    """Move the sliders of the trial that is shown."""
    order = panel.test.order(panel.number)
    for row in panel.rows.children[1:]:
        letter, _, slider, _ = row.children
        slider.value = given[order[re.sub("<.*?>", "", letter.value)]]


def state(panel: Panel) -> str:
    return re.sub("<.*?>", "", panel.state.value)


# --- what is shown


def test_a_panel_shows_players_and_sliders_and_gives_nothing_away():
    panel = Panel(show())
    shown = [child.value for row in panel.rows.children[1:] for child in row.children if hasattr(child, "value")]
    page = panel.head.value + "".join(map(str, shown))
    assert len(panel.rows.children) == 1 + 4 and page.count("<audio controls") == 5
    assert "trial 1 of 2" in page and "a &lt;low&gt; tone" in page
    assert not any(name in page for name in (HIDDEN_REFERENCE, LOW_ANCHOR, "<img"))
    assert state(panel) == "0 of 4 sounds rated." and panel.uncover.disabled and panel.back.disabled
    assert [row.children[3].value for row in panel.rows.children[1:]] == ["not rated yet"] * 4


def test_letters_are_a_permutation_that_differs_between_trials_and_learners():
    test = show()
    assert list(test.order(0)) == list("ABCD") and sorted(test.order(0).values()) == NAMES
    orders = set()
    for _ in range(50):
        test.begin_anew()
        orders |= {tuple(test.order(number).values()) for number in (0, 1)}
    assert len(orders) > 15, "of 24"


def test_without_a_kernel_the_first_trial_is_shown_with_names(capsys):
    page = hearing.static_form(show())
    text = capsys.readouterr().out
    assert text.count("[Sound: ") == page["text/html"].count("<audio") == page["text/html"].count("<img") == 4
    assert "[Sound: 'a <low> tone', low anchor]" in text and "2 trials like this one, each of 4 sounds" in text
    assert "a high tone" not in text and "a &lt;low&gt; tone" in page["text/html"]
    assert not ratings.path().exists(), "looking writes nothing"


@pytest.mark.parametrize(
    ("trials", "said"),
    [
        ([], "has no trial"),
        ([TRIALS[0], TRIALS[0]], "two trials with the same sounds"),
        ([trial(" ", 0.1, a=0.2)], "no transcript"),
        ([TRIALS[0], trial("other", 0.5, a=0.51)], "all trials have the same systems; 'other' has a"),
        ([trial("same name", 0.1, **{LOW_ANCHOR: 0.2})], "give the system another name"),
        ([Trial("noise", torch.rand(60_000) - 0.5, {"a": torch.zeros(60_000)})], r"takes .* bytes; at most 50,000"),
    ],
)
def test_what_is_no_test_is_the_authors_mistake(trials, said):
    with pytest.raises(ValueError, match=said):
        show(trials)


def test_silence_can_be_shown():
    show([Trial("silence", torch.zeros(3_200), {"a": torch.zeros(3_200)})])


# --- rating


def test_a_rating_is_kept_at_once_and_counts_when_its_trial_is_uncovered():
    panel = Panel(show())
    slider, said = panel.rows.children[1].children[2:]
    slider.value = 79
    system = panel.test.order(0)["A"]
    assert said.value == "79, good" and state(panel) == "1 of 4 sounds rated."
    assert [trial.scores for trial in ratings.read("toy.codecs").trials.values()] == [{system: 79}]
    rate(panel)
    assert state(panel).startswith("All sounds rated.") and not panel.uncover.disabled
    assert mushra_results("toy.codecs") == []
    panel.uncover.click()
    assert sorted(mushra_results("toy.codecs")) == [Rating(0, name, GIVEN[name]) for name in NAMES]


def test_zero_is_a_rating_and_no_rating_can_be_taken_away():
    panel = Panel(show())
    slider, said = panel.rows.children[1].children[2:]
    slider.value = 0
    assert said.value == "0, bad"
    slider.value = -1
    assert slider.value == 0 and list(panel.test.rated(0).scores.values()) == [0]


def test_uncovered_ratings_stay_and_show_which_was_which():
    panel = Panel(show())
    rate(panel)
    panel.uncover.click()
    letters = {system: letter for letter, system in panel.test.order(0).items()}
    (page,) = panel.rows.children
    notes = re.findall(r"<br>(.*?)</figcaption>", page.value)
    said = ("95, excellent", "60, good", "40, fair", "20, poor")
    names = (HIDDEN_REFERENCE, "b", "a", LOW_ANCHOR)
    assert notes == [f"{letters[name]}: {name}. You gave it {words}" for name, words in zip(names, said, strict=True)]
    assert page.value.count("<img") == 4 and panel.uncover.disabled
    panel.test.rate(0, "a", 99)
    assert panel.test.rated(0).scores == GIVEN
    assert panel.found.value == "", "the second trial is not done"


def test_an_incomplete_trial_is_not_uncovered():
    test = show()
    test.rate(0, "a", 50)
    test.uncover(0)
    assert not test.rated(0).uncovered and mushra_results("toy.codecs") == []


def test_after_the_last_trial_come_summary_and_screening(capsys):
    panel = Panel(show())
    for _ in range(2):
        rate(panel)
        panel.uncover.click()
        panel.next.click()
    assert panel.next.disabled and not panel.back.disabled
    alt = "Mean ratings with 95 % intervals, over 2 trials: hidden reference 95; b 60; a 40; low anchor 20"
    assert f'alt="{alt}"' in panel.found.value
    screening = "You rated the hidden reference below 90 in 0 of 2 trials."
    assert screening in panel.found.value and "your ratings would count." in panel.found.value
    capsys.readouterr()
    show()
    assert f"[Figure: {alt}]\n{screening}" in capsys.readouterr().out


def test_who_misses_the_hidden_reference_is_told():
    panel = Panel(show(TRIALS[:1]))
    rate(panel, GIVEN | {HIDDEN_REFERENCE: 89})
    panel.uncover.click()
    assert "below 90 in 1 of 1 trials." in panel.found.value and "your ratings would not count." in panel.found.value


def test_a_restart_resumes_at_the_first_trial_that_is_not_done():
    panel = Panel(show())
    rate(panel)
    panel.uncover.click()
    panel.next.click()
    panel.rows.children[2].children[2].value = 33
    order = panel.test.order(1)
    restart()
    panel = Panel(show())
    assert panel.number == 1 and panel.test.order(1) == order and state(panel) == "1 of 4 sounds rated."
    assert [row.children[2].value for row in panel.rows.children[1:]] == [-1, 33, -1, -1]
    assert len(mushra_results("toy.codecs")) == 4
    panel.back.click()
    assert panel.number == 0 and "You gave" in panel.rows.children[0].value


def test_beginning_anew_takes_two_presses_and_throws_all_ratings_away():
    panel = Panel(show())
    assert panel.anew.disabled, "there is nothing to throw away"
    rate(panel)
    panel.uncover.click()
    seed = panel.test.sheet.seed
    panel.anew.click()
    assert panel.anew.description == "Throw 4 ratings away: press again" and len(mushra_results("toy.codecs")) == 4
    for _ in range(3):
        panel.next.click()
    assert panel.anew.description == ANEW, "done something else"
    panel.anew.click()
    panel.anew.click()
    assert panel.number == 0 and state(panel) == "0 of 4 sounds rated." and mushra_results("toy.codecs") == []
    assert ratings.read("toy.codecs").trials == {} and ratings.read("toy.codecs").seed != seed


def test_ratings_of_other_sounds_are_kept_and_not_mixed_in():
    panel = Panel(show())
    rate(panel)
    panel.uncover.click()
    newer = [trial("a <low> tone", 0.1, a=0.11, b=0.13), TRIALS[1]]
    panel = Panel(show(newer))
    assert mushra_results("toy.codecs") == [] and state(panel) == "0 of 4 sounds rated."
    assert "You rated 4 other sounds in this test" in panel.told.value
    show()
    assert len(mushra_results("toy.codecs")) == 4, "the earlier sounds are back"


def test_the_fingerprint_is_that_of_what_is_heard():
    sounds = {"a": torch.arange(100) / 32_767, "b": torch.arange(100) / -32_767}  # whole steps of 16 bits
    same = {"b": sounds["b"].double(), "a": sounds["a"] + 1e-6}
    assert ratings.fingerprint(sounds) == ratings.fingerprint(same)
    for other in ({**sounds, "a": sounds["a"] + 1e-3}, {"a": sounds["b"], "b": sounds["a"]}, {"a": sounds["a"]}):
        assert ratings.fingerprint(other) != ratings.fingerprint(sounds)


def test_results_need_their_test():
    show()
    with pytest.raises(ValueError, match=r"no listening test 'toy\.loser' was shown, only \['toy\.codecs'\]"):
        mushra_results("toy.loser")


# --- what can go wrong with the file


@pytest.mark.parametrize(
    "content",
    [
        "hello",
        '{"version": 1, "tes',
        "[]",
        '{"version": 9, "tests": {}}',
        '{"version": 1, "tests": {"toy.codecs": {"seed": 1}}}',
        '{"version": 1, "tests": {"toy.codecs": {"seed": "x", "trials": {}}}}',
        '{"version": 1, "tests": {"toy.codecs": {"seed": 1, "trials": {"p": {"scores": {"a": 101}, "uncovered": 0}}}}}',
        '{"version": 1, "tests": {"toy.codecs": {"seed": 1, "trials": {"p": {"scores": {"a": ""}, "uncovered": 0}}}}}',
    ],
)
def test_a_damaged_file_is_told_and_kept_and_the_test_goes_on(content):
    ratings.path().write_text(content)
    panel = Panel(show())
    told = "Your ratings hold until the kernel stops. They are not written down: "
    assert told in panel.told.value and "It only holds your ratings of sounds: move it away." in panel.told.value
    rate(panel)
    panel.uncover.click()
    show()
    assert len(mushra_results("toy.codecs")) == 4, "in this kernel they hold"
    assert ratings.path().read_text() == content
    ratings.path().unlink()
    panel = Panel(show())
    assert panel.number == 1
    rate(panel)
    assert panel.told.value == "" and len(ratings.read("toy.codecs").trials) == 2, "all are written down after all"


def test_a_file_that_could_not_be_read_for_a_moment_loses_nothing():
    rate(Panel(show()))
    written = ratings.path().read_text()
    ratings.path().write_text("")
    restart()
    panel = Panel(show())
    assert state(panel) == "0 of 4 sounds rated."
    ratings.path().write_text(written)
    panel.next.click()
    rate(panel)
    assert panel.told.value == "" and [panel.test.complete(number) for number in (0, 1)] == [True, True]
    assert len(ratings.read("toy.codecs").trials) == 2


def test_what_another_kernel_uncovered_stays():
    panel = Panel(show())
    rate(panel)
    ratings.keep("toy.codecs", ratings.Sheet(1, {panel.test.prints[0]: ratings.Rated(GIVEN, uncovered=True)}))
    rate(panel, dict.fromkeys(GIVEN, 77))
    assert ratings.read("toy.codecs").trials[panel.test.prints[0]] == ratings.Rated(GIVEN, uncovered=True)


def test_a_folder_that_cannot_be_made_is_told(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MMLEARN_PROGRESS", str(tmp_path / "file" / "progress.json"))
    panel = Panel(show())
    assert panel.told.value == ""
    rate(panel)
    assert "They are not written down: " in panel.told.value and state(panel).startswith("All sounds rated.")


def test_a_file_that_another_kernel_holds_is_told(monkeypatch):
    import filelock

    monkeypatch.setattr(filelock, "FileLock", lambda file, timeout: filelock.SoftFileLock(file, timeout=0))
    with filelock.SoftFileLock(f"{ratings.path()}.lock"):
        panel = Panel(show())
        rate(panel)
        assert "They are not written down: " in panel.told.value and ".lock" in panel.told.value


def test_two_kernels_at_once_lose_nothing(tmp_path):
    code = (
        "import sys; from mmlearn.course.ratings import Rated, Sheet, keep\n"
        "for i in range(50):\n"
        "    keep('both', Sheet(7, {f'{sys.argv[1]}{i}': Rated({'a': i})})); keep(sys.argv[1], Sheet())"
    )
    own = os.environ | {"MMLEARN_PROGRESS": str(tmp_path / "progress.json")}
    kernels = [subprocess.Popen([sys.executable, "-c", code, name], env=own) for name in ("one", "two")]
    assert [kernel.wait(timeout=60) for kernel in kernels] == [0, 0]
    assert len(ratings.read("both").trials) == 100 and ratings.read("one") and ratings.read("two")


# --- the chart


def test_the_chart_has_a_row_for_each_system_and_can_be_read():
    given = {"ours, 2 kbit/s, trained for a day": (31, 44), "Opus": (70, 90), HIDDEN_REFERENCE: (99, 99)}
    heard = [Rating(n, system, score) for system, values in given.items() for n, score in enumerate(values)]
    fig = scores(heard)
    assert_readable(fig)
    assert {"bad", "excellent", "Opus", "99"} <= set(words(fig)) and "80 (0 to 100)" in words(fig)
    with pytest.raises(ValueError, match="nothing to draw"):
        scores([])


# --- in a kernel

WIDGET = "application/vnd.jupyter.widget-view+json"
CELL = """
import torch
from mmlearn.course import Trial, mushra, mushra_results
tones = [torch.sin(pitch * torch.arange(3_200)) / 2 for pitch in (0.1, 0.2, 0.3, 0.4)]
mushra("toy.codecs", [Trial("one", tones[0], {"a": tones[1]}), Trial("two", tones[2], {"a": tones[3]})])
print(mushra_results("toy.codecs"))
"""


@pytest.mark.parametrize("strict", [False, True])
def test_in_a_notebook_there_is_a_widget_unless_the_course_runs_the_lesson(strict, tmp_path):
    import nbformat
    from nbclient import NotebookClient

    env = (
        os.environ | {"MMLEARN_PROGRESS": str(tmp_path / "progress.json")} | ({"MMLEARN_STRICT": "1"} if strict else {})
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute(env=env)
    shown, printed = notebook.cells[0].outputs
    assert (WIDGET in shown.data) is not strict and printed.text == "[]\n"
    assert shown.data["text/html"].count("<audio") == 3 and "[Sound: 'one', low anchor]" in shown.data["text/plain"]
    assert not (tmp_path / "ratings.json").exists()
    assert len(json.dumps(notebook)) < 200_000
