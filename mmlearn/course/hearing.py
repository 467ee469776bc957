"""A listening test in a notebook, after MUSHRA (ITU-R BS.1534-3): which sound is how near to its reference?

    trials = [Trial("please try again", reference_T, {"ours, 2 kbit/s": ours_T, "Opus, 8 kbit/s": opus_T}), ...]
    mushra("encodec.mushra", trials)           # the test, with players and sliders
    heard = mushra_results("encodec.mushra")   # [Rating(trial=0, system="hidden reference", score=97), ...], or []

A trial is rated blind. Then the learner uncovers it: its ratings stay from then on, and count.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from string import ascii_uppercase
from typing import TYPE_CHECKING

from mmlearn.course import ratings
from mmlearn.course.figures import img, publish
from mmlearn.course.frames import OPEN, framed, line, live, strong
from mmlearn.course.listening import Sound, in_words, player, side_by_side
from mmlearn.eval import listening
from mmlearn.eval.listening import HIDDEN_REFERENCE, MISSED_BELOW, MISSED_SHARE, Rating

if TYPE_CHECKING:
    from torch import Tensor

RATE = 16_000
TITLE = "Listening test"
QUIETEST = -70  # decibels below the reference's loudest moment; what is quieter is drawn as silence


@dataclass(frozen=True)
class Trial:
    """One sentence, or another sound, and what the systems under test made of it.

    Attributes:
        words: the transcript.
        reference: mono, float `[T]` from -1 to 1, 16,000 samples a second; about 2 s.
        systems: a waveform `[T]` by the name of its system. All trials of a test have the same systems.
    """

    words: str
    reference: "Tensor"
    systems: "dict[str, Tensor]"


def mushra(name: str, trials: Sequence[Trial]) -> None:
    """Show a listening test: trials with a reference and, unnamed and in random order, the sounds to be rated.

    To the systems it adds the reference, hidden, and the low anchor. Ratings are kept at once, and are there again when
    the kernel or the cell is started again; they belong to these sounds, so a model must be seeded to make the same
    ones. Where no widget runs (an export, a web page of the notebook) and under MMLEARN_STRICT=1, the first trial is
    shown with all names. That takes up to 80 kB for each of its sounds: three systems or four fit a notebook.

    Args:
        name: of the test, such as `"encodec.mushra"`; `mushra_results` takes the same.

    Raises:
        ValueError: no trial, two with the same sounds, trials of different systems, one without transcript, a sound of
            more than 50 kB, or what `mmlearn.eval.listening.stimuli` refuses.
    """
    before = _tests.get(name)
    unwritten = before.sheet if before and before.problem else ratings.Sheet()
    test = _tests[name] = ListeningTest(name, trials, unwritten)
    page = static_form(test)
    if live():
        from mmlearn.course.hearing_panel import Panel

        page = Panel(test).box._repr_mimebundle_() | page
    publish(page)


def mushra_results(name: str) -> list[Rating]:
    """The ratings that count: those of the trials that were uncovered, in the order of the trials; [] at first.

    Raises:
        ValueError: no such test was shown.
    """
    if name not in _tests:
        raise ValueError(f"no listening test {name!r} was shown, only {sorted(_tests)}. Run the cell of mushra first")
    return _tests[name].heard()


class ListeningTest:
    """A listening test in this kernel: what is heard, in which order, and the ratings so far.

    Attributes:
        sounds: of each trial, waveforms `[T]` by what made them.
        problem: why ratings cannot be read or written down, or "". They then hold until the kernel stops.
    """

    def __init__(self, name: str, trials: Sequence[Trial], sheet: ratings.Sheet) -> None:
        """`sheet` has ratings that are not in the learner's file."""
        self.name, self.trials = name, trials
        self.sounds = [listening.stimuli(trial.reference, trial.systems, RATE) for trial in trials]
        self.prints = [ratings.fingerprint(sounds) for sounds in self.sounds]
        self._check()
        self.sheet, self.problem = sheet, ""
        try:
            kept = ratings.read(name)
            self.sheet = kept.joined(sheet) if kept else sheet
        except (OSError, ValueError) as error:
            self.problem = str(error)

    def order(self, number: int) -> dict[str, str]:
        """What made the sounds of a trial, by the letters that this learner sees: `{"A": "low anchor", ...}`."""
        names = listening.order(self.sounds[number], f"{self.sheet.seed} {self.prints[number]}")
        return dict(zip(ascii_uppercase, names, strict=False))

    def rated(self, number: int) -> ratings.Rated:
        """The ratings of a trial so far."""
        return self.sheet.trials.get(self.prints[number], ratings.Rated())

    def complete(self, number: int) -> bool:
        """Whether every sound of a trial is rated."""
        return self.rated(number).scores.keys() == self.sounds[number].keys()

    def rate(self, number: int, system: str, score: int) -> None:
        """Keep a rating, unless its trial is uncovered."""
        if not self.rated(number).uncovered:
            self.sheet.trials.setdefault(self.prints[number], ratings.Rated()).scores[system] = score
            self._write(ratings.keep, self.name, self.sheet)

    def uncover(self, number: int) -> None:
        """Close a trial that is complete: its ratings count from now on."""
        if self.complete(number):
            self.rated(number).uncovered = True
            self._write(ratings.keep, self.name, self.sheet)

    def begin_anew(self) -> None:
        """Throw all ratings of the test away, and shuffle again."""
        self.sheet = ratings.Sheet()
        self._write(ratings.throw_away, self.name)

    def heard(self) -> list[Rating]:
        """The ratings of all trials that were uncovered."""
        trials = [(number, self.rated(number)) for number in range(len(self.trials))]
        counted = [(number, trial.scores) for number, trial in trials if trial.uncovered]
        return [Rating(number, system, score) for number, scores in counted for system, score in scores.items()]

    def finished(self) -> bool:
        """Whether every trial is uncovered."""
        return all(self.rated(number).uncovered for number in range(len(self.trials)))

    def of_other_sounds(self) -> int:
        """How many ratings are kept of sounds that the test no longer has."""
        return sum(len(trial.scores) for print_, trial in self.sheet.trials.items() if print_ not in self.prints)

    def notes(self) -> list[str]:
        """What there is to say about the file of ratings."""
        found = []
        if self.problem:
            found.append(f"Your ratings hold until the kernel stops. They are not written down: {self.problem}")
        if others := self.of_other_sounds():
            found.append(
                f"You rated {others} other sounds in this test, such as those of a model before it was trained anew. "
                "Those ratings are kept, and do not count here."
            )
        return found

    def _write(self, write: Callable[..., ratings.Sheet], *what: object) -> None:
        """Change the file, and take over what it holds then; ratings that cannot be written stay in memory."""
        try:
            self.sheet, self.problem = write(*what), ""
        except (OSError, ValueError) as error:
            self.problem = str(error)

    def _check(self) -> None:
        if not self.trials:
            raise ValueError(f"{self.name} has no trial")
        if len(set(self.prints)) < len(self.prints):
            raise ValueError(f"{self.name} has two trials with the same sounds")
        for trial, sounds in zip(self.trials, self.sounds, strict=True):
            if not trial.words.strip():
                raise ValueError(f'a trial of {self.name} has no transcript: words="what is said", or what is heard')
            if trial.systems.keys() != self.trials[0].systems.keys():
                raise ValueError(f"all trials have the same systems; {trial.words!r} has {', '.join(trial.systems)}")
            for system, waveform_T in sounds.items():
                player(waveform_T, f"{trial.words}, {system}", 0)  # or it is too large


_tests: dict[str, ListeningTest] = {}


def named(test: ListeningTest, number: int, notes: dict[str, str]) -> str:
    """Sounds of a trial as HTML, each with its spectrogram and a note; `notes` by what made them."""
    return side_by_side(_shown(test, number, notes), len(test.trials[number].reference) / RATE)


def static_form(test: ListeningTest) -> dict[str, str]:
    """The first trial with all names, and the results if there are any, as HTML and as text."""
    first, sounds = test.trials[0], test.sounds[0]
    notes = {name: name for name in sounds} | {HIDDEN_REFERENCE: "the reference, open and once more hidden"}
    why = (
        f"In a running notebook there are {len(test.trials)} trials like this one, each of {len(sounds)} sounds in "
        "random order and without names. You rate how near each is to the reference: 0 is bad, 100 is excellent. "
        "The low anchor is the reference without what is above 3.5 kHz."
    )
    lines = [why, *test.notes()]
    text, page = results(test) if test.finished() else ("", "")
    title = f"{TITLE}, trial 1 of {len(test.trials)}, uncovered: “{first.words}”"
    body = [strong(title), *map(line, lines), named(test, 0, notes), page]
    told = [title, *lines, in_words(_shown(test, 0, notes)), text]
    return {"text/plain": "\n".join(filter(None, told)), "text/html": framed(body, OPEN)}


def results(test: ListeningTest) -> tuple[str, str]:
    """What a finished test found, as text and as HTML."""
    from mmlearn.course.drawings.mushra import scores

    heard = test.heard()
    words = [f"{system} {score.interval:.0f}" for system, score in listening.summary(heard).items()]
    alt = f"Mean ratings with 95 % intervals, over {len(test.trials)} trials: {'; '.join(words)}"
    screening = _screening(heard)
    return f"[Figure: {alt}]\n{screening}", img(scores(heard), alt) + line(screening)


def _screening(heard: Sequence[Rating]) -> str:
    """Whether a test would count this listener, in words."""
    missed = len(listening.hidden_reference_missed(heard))
    trials = sum(rating.system == HIDDEN_REFERENCE for rating in heard)
    verdict = "would not count" if listening.screened_out(heard) else "would count"
    return (
        f"You rated the hidden reference below {MISSED_BELOW} in {missed} of {trials} trials. ITU-R BS.1534-3 leaves "
        f"out who does so in more than {100 * MISSED_SHARE:.0f} % of them: your ratings {verdict}."
    )


def _shown(test: ListeningTest, number: int, notes: dict[str, str]) -> list[Sound]:
    sounds, words = test.sounds[number], test.trials[number].words
    top = _power(sounds[HIDDEN_REFERENCE]).max().clamp(min=1e-9)  # of silence, too
    return [_sound(sounds[name], words, note, top) for name, note in notes.items()]


def _sound(waveform_T: "Tensor", words: str, note: str, top: "Tensor") -> Sound:
    import torch

    level_KF = 10 * (_power(waveform_T) / top).clamp(min=10 ** (QUIETEST / 10)).log10()
    return Sound(waveform_T, words, level_KF, note, torch.linspace(0, RATE / 2, len(level_KF)))


def _power(waveform_T: "Tensor") -> "Tensor":
    import torch

    from mmlearn.nn.mel import power_spectrogram

    return power_spectrogram(waveform_T[None], torch.hann_window(256), 128, fft=256)[0]
