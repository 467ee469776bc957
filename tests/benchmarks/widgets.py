"""From a key to the new picture, for each control of each lesson: python tests/benchmarks/widgets.py [NN ...] [--write]

In a real page: JupyterLab in Chromium, the lesson run with its training cut short, and the keys that a learner presses.
The time goes from the key's arrival in the page to the first frame that is painted with what the kernel has sent. A
setting that was seen before is kept and comes at once, so only new ones count. The sliders of predictions change only
the number beside them, without the kernel. `--write` puts the rows into widgets.csv beside this file.
"""

import argparse
import csv
import statistics
import sys
import tempfile
from pathlib import Path

from mmlearn.course.lessons import lessons
from mmlearn.files import write_whole
from mmlearn.paths import root

sys.path.append(str(root() / "tests" / "browser"))
import controls
from lesson_page import LessonPage
from servers import chromium, course_lab

STEPS = 8  # new settings for each control
AIM = 150  # milliseconds
ROWS = Path(__file__).with_suffix(".csv")
COLUMNS = ("lesson", "cell", "control", "kind", "settings", "median_ms", "max_ms")
WORDS = ("cat", "a red bird", "music, food", "rain", "a yellow sun", "ship, car", "two hearts", "snow")

WATCH = f"""output => {{
    const shown = {controls.SHOWN}, before = shown(output);
    let began;
    addEventListener('keydown', () => {{ began ??= performance.now() }}, {{capture: true, once: true}});
    window.took = new Promise(resolve => {{
        const watch = new MutationObserver(() => {{
            if (shown(output) === before) return;
            watch.disconnect();
            requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - began)));
        }});
        watch.observe(output, {{subtree: true, childList: true, attributes: true, characterData: true}});
        setTimeout(() => {{ watch.disconnect(); resolve(null) }}, 20000);
    }});
}}"""


def measure(lesson: LessonPage, cell: str) -> list[dict]:
    """A row for each control of a cell's output."""
    found = lesson.output(cell).locator(controls.CONTROLS)
    all_controls = [found.nth(number) for number in range(found.count())]
    seen, times = {setting(all_controls)}, [[] for _ in all_controls]

    def turn_on(number: int, turn: int) -> None:
        took = step(lesson, cell, all_controls[number], turn)
        if took is not None and setting(all_controls) not in seen:
            times[number].append(took)
        seen.add(setting(all_controls))

    fields = [number for number, control in enumerate(all_controls) if kind(control) == "field"]
    for number in range(len(all_controls)):
        others = [other for other in range(len(all_controls)) if other not in (number, *fields)]
        for turn in range(4 * STEPS):
            if len(times[number]) >= STEPS:
                break
            turn_on(number, turn)
            if others and turn % 3 == 2:  # elsewhere in the other settings there are new ones
                turn_on(others[turn // 3 % len(others)], turn)
    rows = []
    for control, took in zip(all_controls, times, strict=True):
        median, worst = (round(f(took)) if took else "" for f in (statistics.median, max))
        name = controls.spoken_name(control)
        rows.append(dict(zip(COLUMNS[2:], (name, kind(control), len(took), median, worst), strict=True)))
    return rows


def step(lesson: LessonPage, cell: str, control, turn: int) -> float | None:
    """Set a control to its next value with a key; milliseconds to the new picture, None if none came."""
    output = lesson.output(cell).element_handle()
    control.focus()
    if kind(control) == "field":
        control.fill(WORDS[turn % len(WORDS)] + "." * (turn // len(WORDS)))
        key = "Enter"
    else:
        key = forward(control, turn)
    output.evaluate(WATCH)
    lesson.page.keyboard.press(key)
    took = lesson.page.evaluate("() => window.took")
    lesson.page.wait_for_timeout(100)  # a person's fingers rest, too
    return took


def forward(control, turn: int) -> str:
    """The key that goes on; at an end it turns round."""
    slider = kind(control) == "slider"
    back, on = ("ArrowLeft", "ArrowRight") if slider else ("ArrowUp", "ArrowDown")
    place, last = control.evaluate(
        "it => it.options ? [it.selectedIndex, it.options.length - 1] "
        ": ['now', 'max'].map(end => Number(it.getAttribute(`aria-value${end}`)))"
    )
    if place in (0, last):
        control.evaluate("(it, back) => { it.back = back }", place == last)
    return back if control.evaluate("it => Boolean(it.back)") else on


def kind(control) -> str:
    """Of a control: slider, menu or field."""
    tag = control.evaluate("it => it.tagName")
    return {"SELECT": "menu", "INPUT": "field"}.get(tag, "slider")


def setting(all_controls) -> tuple[str, ...]:
    """What is chosen in all controls of an output."""
    return tuple(each.evaluate("it => it.value ?? it.getAttribute('aria-valuetext')") for each in all_controls)


def measured(numbers: list[str]) -> list[dict]:
    """The rows of these lessons, printed as they come."""
    rows = []
    with (
        tempfile.TemporaryDirectory() as folder,
        tempfile.TemporaryDirectory() as home,
        chromium() as browser,
        course_lab(Path(folder), Path(home)) as lab,
    ):
        for number in numbers:
            context = browser.new_context(viewport={"width": 1280, "height": 900})
            context.set_default_timeout(120_000)
            page = context.new_page()
            name = next((lab.folder / "work").glob(f"{number}_*.ipynb")).name
            page.goto(f"{lab.server}/lab/tree/work/{name}?reset&token={lab.token}")
            lesson = LessonPage(page)
            lesson.run_all()
            for cell in controls.widgets_called(lesson):
                for row in measure(lesson, cell):
                    rows.append({"lesson": number, "cell": cell} | row)
                    slow = "  slow" * ((row["median_ms"] or 0) > AIM)
                    what = f"{number}  {cell:<22}{row['control']:<14}{row['kind']:<8}{row['settings']:>2} settings"
                    print(f"{what}  {row['median_ms']:>4} ms, at most {row['max_ms']:>4}{slow}", flush=True)
            context.close()
    return rows


def main() -> None:
    landed = [lesson.number for lesson in lessons() if lesson.landed]
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("numbers", nargs="*", metavar="NN", help="lessons to measure (default: all)")
    parser.add_argument("--write", action="store_true", help=f"put the rows into {ROWS.name}")
    options = parser.parse_args()
    if unknown := sorted(set(options.numbers) - set(landed)):
        parser.error(f"no lesson {', '.join(unknown)}: there are {', '.join(landed)}")
    rows = measured(options.numbers or landed)
    slowest = max((row["median_ms"] or 0 for row in rows), default=0)
    print(f"the slowest of {len(rows)} controls: {slowest} ms, aim {AIM}")
    if options.write:
        write(rows)


def write(rows: list[dict]) -> None:
    """Put rows into the file, in the place of what it holds of their lessons."""
    new = {row["lesson"] for row in rows}
    old = csv.DictReader(ROWS.read_text(encoding="utf-8").splitlines()) if ROWS.exists() else ()
    every = sorted([*(row for row in old if row["lesson"] not in new), *rows], key=lambda row: row["lesson"])
    lines = [",".join(COLUMNS), *(",".join(str(row[column]) for column in COLUMNS) for row in every)]
    write_whole(ROWS, ("\n".join(lines) + "\n").encode())


if __name__ == "__main__":
    main()
