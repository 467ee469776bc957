"""The widgets of a listening test: one trial at a time, a player and a slider for each of its sounds."""

import html
from typing import TYPE_CHECKING

import ipywidgets

from mmlearn.course.access import aid
from mmlearn.course.frames import OPEN, line, strong
from mmlearn.course.hearing import TITLE, named, results
from mmlearn.course.listening import player
from mmlearn.eval.listening import LABELS, label

if TYPE_CHECKING:
    from mmlearn.course.hearing import ListeningTest

UNRATED = -1  # where a slider begins: left of the scale
PLAYER, SCALE, SAID = 240, 340, 100  # CSS pixels of a row's parts
LETTER = 24
ASK = (
    "Hear the reference, then the sounds below it, as often as you like. Rate each: how near is its quality to that of "
    "the reference? One of them is the reference itself and deserves 100. In the sliders arrow keys work, too."
)
ANEW = "Begin anew"


class Panel:
    """A listening test to be worked with; `box` is the widget. It begins at the first trial that is not done."""

    def __init__(self, test: "ListeningTest") -> None:
        self.test, self.number = test, 0
        while self.number < len(test.trials) - 1 and test.rated(self.number).uncovered:
            self.number += 1
        self.head, self.state, self.told, self.found = (ipywidgets.HTML() for _ in range(4))
        self.rows = ipywidgets.VBox()
        self.back = _button("Back", lambda _: self.go(self.number - 1))
        self.next = _button("Next", lambda _: self.go(self.number + 1))
        self.uncover = _button("Uncover", self.press_uncover)
        self.anew = _button(ANEW, self.press_anew)
        buttons = ipywidgets.HBox([self.back, self.next, self.uncover, self.anew], layout={"flex_flow": "row wrap"})
        parts = [self.head, self.rows, self.state, buttons, self.told, self.found]
        self.box = ipywidgets.VBox(parts, layout={"border_left": f"5px solid {OPEN}", "padding": "4px 12px"})
        self.go(self.number)

    def go(self, number: int) -> None:
        """Show another trial."""
        self.number = min(max(number, 0), len(self.test.trials) - 1)  # a press may come before its button is disabled
        trial, uncovered = self.test.trials[self.number], self.test.rated(self.number).uncovered
        heading = strong(f"{TITLE}: trial {self.number + 1} of {len(self.test.trials)}")
        reference = line(f"Reference: “{trial.words}”") + player(trial.reference, "reference", LETTER + PLAYER)
        self.head.value = heading + ("" if uncovered else line(ASK)) + reference
        before = self.rows.children
        self.rows.children = [ipywidgets.HTML(self._names())] if uncovered else [_head(), *self._sliders()]
        _close(before)
        self.tell()

    def tell(self) -> None:
        """Say how far the learner is, and offer what can be done now."""
        test, rated = self.test, self.test.rated(self.number)
        count = f"{len(rated.scores)} of {len(test.sounds[self.number])} sounds rated."
        if rated.uncovered:
            count = "Uncovered: the ratings of this trial stay, and count."
        elif test.complete(self.number):
            count = "All sounds rated. Change what you like, then uncover: from then on the ratings stay, and count."
        self.state.value = f"<div role='status'>{line(count)}</div>"
        self.back.disabled, self.next.disabled = self.number == 0, self.number == len(test.trials) - 1
        self.uncover.disabled = rated.uncovered or not test.complete(self.number)
        self.anew.disabled, self.anew.description = not test.sheet.trials, ANEW
        self.told.value = "".join(map(line, test.notes()))
        self.found.value = results(test)[1] if test.finished() else ""

    def press_uncover(self, _button) -> None:
        """Close the trial and show which sound was which."""
        self.test.uncover(self.number)
        self.go(self.number)

    def press_anew(self, _button) -> None:
        """Throw all ratings away, at the second press."""
        count = sum(len(trial.scores) for trial in self.test.sheet.trials.values())
        if self.anew.description == ANEW:
            self.anew.description = f"Throw {count} ratings away: press again"
        else:
            self.test.begin_anew()
            self.go(0)

    def _sliders(self) -> list[ipywidgets.HBox]:
        scores = self.test.rated(self.number).scores
        order = self.test.order(self.number)
        return [self._row(letter, system, scores.get(system, UNRATED)) for letter, system in order.items()]

    def _row(self, letter: str, system: str, score: int) -> ipywidgets.HBox:
        """A sound's letter, its player, a slider, and what is chosen there."""
        heard = player(self.test.sounds[self.number][system], f"sound {letter}", PLAYER)
        slider = ipywidgets.IntSlider(
            score, UNRATED, 100, readout=False, tooltip=f"rating of sound {letter}", layout={"width": f"{SCALE}px"}
        )
        said = ipywidgets.HTML(_said(score), layout={"width": f"{SAID}px"})

        def rate(change) -> None:
            if change["new"] == UNRATED:
                slider.value = 0  # back to the left end: a rating can be changed, not taken away
                return
            self.test.rate(self.number, system, change["new"])
            said.value = _said(change["new"])
            self.tell()

        slider.observe(rate, names="value")
        name = ipywidgets.HTML(f"<b>{letter}</b>", layout={"width": f"{LETTER}px"})
        parts = [name, ipywidgets.HTML(heard), slider, said]
        return ipywidgets.HBox(parts, layout={"flex_flow": "row wrap", "align_items": "center"})

    def _names(self) -> str:
        """Which sound was which, the best rated first."""
        scores = self.test.rated(self.number).scores
        order = self.test.order(self.number).items()
        best_first = sorted(order, key=lambda item: -scores[item[1]])
        notes = {system: f"{letter}: {system}. You gave it {_said(scores[system])}" for letter, system in best_first}
        return named(self.test, self.number, notes)


def _button(description: str, press) -> ipywidgets.Button:
    button = ipywidgets.Button(description=description, layout={"width": "auto"})
    button.on_click(press)
    return button


def _close(widgets) -> None:
    """Forget widgets that are no longer shown, and what is in them: else a kernel keeps every sound that was shown."""
    for widget in widgets:
        _close(getattr(widget, "children", ()))
        widget.close()


def _head() -> ipywidgets.HBox:
    return ipywidgets.HBox([_scale(), aid()])


def _scale() -> ipywidgets.HTML:
    """The labels above the sliders."""
    edge = "border-left:1px solid #888"
    fifths = "".join(f"<span style='flex:1;text-align:center;{edge}'>{html.escape(name)}</span>" for name in LABELS)
    left = LETTER + PLAYER + 16
    return ipywidgets.HTML(
        f"<div aria-hidden='true' style='display:flex;width:{SCALE - 16}px;margin-left:{left}px;border-right:1px solid "
        f"#888;line-height:1.2;font-size:90%'>{fifths}</div>"
    )


def _said(score: int) -> str:
    return "not rated yet" if score == UNRATED else f"{score}, {label(score)}"
