"""The controls in a lesson's outputs, worked with the keyboard alone, and whether what is shown changes."""

# Every control that a widget of the course may have, in the order in which Tab reaches them.
CONTROLS = (
    ".jupyter-widgets [role=slider], .jupyter-widgets select, .jupyter-widgets input[type=text], "
    ".jupyter-widgets input[type=radio]"
)
GUESS = "Keep my guess"
WIDGET = "application/vnd.jupyter.widget-view+json"
# Of the radio buttons of a question Tab reaches one.
HAS_FOCUS = "it => it === document.activeElement || (it.name && it.name === document.activeElement.name)"
MOST_TABS = 80  # from a cell's editor to the last control of its output: each player on the way takes half a dozen

# What a control can change: pictures and their descriptions, sounds, tables, notes, what is said of the state.
SHOWN = """output => [...output.querySelectorAll('img, audio, tbody, caption, figcaption, [role=status]')]
    .filter(each => !each.hidden).map(each => each.outerHTML).join()"""


def cells_with_controls(lesson) -> list[str]:
    """The cells whose output is alive and can be worked with: not a folded result, which only waits."""
    live = [
        cell["id"]
        for cell in lesson.notebook()["cells"]
        if any(WIDGET in out.get("data", {}) for out in cell.get("outputs", []))
    ]
    return [cell for cell in live if lesson.output(cell).locator(CONTROLS).count()]


def work(lesson, cell: str) -> list[str]:
    """Move each control of a cell's output, reached by Tab, and see what it shows change; the controls' names.

    Raises:
        AssertionError: Tab does not reach one, a screen reader would not name it, or nothing changes.
    """
    output = lesson.output(cell)
    names = [spoken_name(output.locator(CONTROLS).nth(number)) for number in range(output.locator(CONTROLS).count())]
    assert names, f"{cell} has no control"
    for number, name in enumerate(names):
        control = lesson.output(cell).locator(CONTROLS).nth(number)
        assert name.strip(), f"{cell}: a screen reader has no name for control {number + 1}"
        tab_to(lesson, cell, control)
        handle = lesson.output(cell).element_handle()
        before = handle.evaluate(SHOWN)
        move(lesson, control)
        lesson.page.wait_for_function(f"([output, before]) => ({SHOWN})(output) !== before", arg=[handle, before])
    return names


def guess(lesson, cell: str) -> None:
    """Make a guess with the keyboard: the first thing that Tab reaches is chosen, and kept by the button."""
    output = lesson.output(cell)
    control = output.locator(CONTROLS).first
    tab_to(lesson, cell, control)
    if control.get_attribute("role") == "slider":
        lesson.page.keyboard.press("ArrowRight")
        lesson.page.wait_for_function(
            "output => output.querySelector('.widget-readout').textContent !== 'no guess yet'",
            arg=output.element_handle(),
        )
    else:
        lesson.page.keyboard.press("Space")
    output.get_by_role("button", name=GUESS).press("Enter")
    lesson.output(cell).get_by_text("Your guess, kept on").first.wait_for()


def tab_to(lesson, cell: str, control) -> None:
    """Go from a cell's editor to a control of its output, as a learner without a mouse does: Esc, then Tab."""
    target = control.element_handle()
    lesson.cell(cell).locator(".cm-content, .jp-Placeholder").first.click()
    lesson.page.keyboard.press("Escape")
    for _ in range(MOST_TABS):
        lesson.page.keyboard.press("Tab")
        if target.evaluate(HAS_FOCUS):
            return
    raise AssertionError(f"{cell}: Tab does not reach {spoken_name(control) or 'a control'}")


def move(lesson, control) -> None:
    """Set the control that has the focus to another value, with keys."""
    if control.get_attribute("role") == "slider":
        now, most = (float(control.get_attribute(f"aria-value{end}")) for end in ("now", "max"))
        lesson.page.keyboard.press("ArrowRight" if now < most else "ArrowLeft")
    elif control.evaluate("it => it.tagName") == "SELECT":
        last = control.evaluate("it => it.selectedIndex === it.options.length - 1")
        lesson.page.keyboard.press("ArrowUp" if last else "ArrowDown")
    else:
        lesson.page.keyboard.press("Control+A")
        lesson.page.keyboard.type("rocket, a red bird")
        lesson.page.keyboard.press("Enter")


def spoken_name(control) -> str:
    """What a screen reader says before the control's value."""
    return control.evaluate(
        "it => it.getAttribute('aria-label') || it.labels?.[0]?.textContent || it.getAttribute('title') || ''"
    )


def widgets_called(lesson) -> list[str]:
    """The cells that call a widget of the course."""
    calls = ("explore(", "explore_sounds(", "mushra(")
    code = [cell for cell in lesson.notebook()["cells"] if cell["cell_type"] == "code"]
    return [cell["id"] for cell in code if any(f"\n{call}" in f"\n{_source(cell)}" for call in calls)]


def _source(cell) -> str:
    return cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])


def colours_too_close(lesson, cell: str, least: float = 4.5) -> list[str]:
    """Texts in a cell's output whose colour is too near to what is behind it (WCAG's contrast, AA)."""
    return lesson.output(cell).evaluate(
        """(output, least) => {
        const numbers = colour => colour.match(/[\\d.]+/g).map(Number);
        const light = colour => numbers(colour).slice(0, 3).map(c => c / 255)
            .map(c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
            .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
        const behind = node => {
            for (; node; node = node.parentElement) {
                const colour = getComputedStyle(node).backgroundColor;
                if ((numbers(colour)[3] ?? 1) > 0.5) return colour;
            }
            return 'rgb(255, 255, 255)';
        };
        const walker = document.createTreeWalker(output, NodeFilter.SHOW_TEXT), found = [];
        while (walker.nextNode()) {
            const text = walker.currentNode.textContent.trim(), node = walker.currentNode.parentElement;
            if (!text || !node.checkVisibility() || node.closest('svg, style, script, :disabled')) continue;
            const [a, b] = [light(getComputedStyle(node).color), light(behind(node))].sort((x, y) => y - x);
            const contrast = (a + 0.05) / (b + 0.05);
            if (contrast < least) found.push(`${text.slice(0, 40)}: ${contrast.toFixed(1)}`);
        }
        return found;
        }""",
        least,
    )


def described(lesson) -> list[tuple[int, str]]:
    """The width and the description of each picture that is shown."""
    pictures = lesson.page.locator(".jp-NotebookPanel:visible .jp-OutputArea-output img:not([hidden])")
    return [tuple(each) for each in pictures.evaluate_all("images => images.map(i => [i.naturalWidth, i.alt])")]


def errors(lesson) -> list[tuple[str, str]]:
    """What was raised, with the cell."""
    cells = [cell for cell in lesson.notebook()["cells"] if cell["cell_type"] == "code"]
    return [(cell["id"], out["evalue"]) for cell in cells for out in cell["outputs"] if out["output_type"] == "error"]
