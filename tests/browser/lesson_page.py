"""A lesson that is open in JupyterLab, and what a learner does with it."""

import json
from pathlib import Path

TALLEST = 15_000  # pixels of one photograph
THIS = "const panel = jupyterapp.shell.currentWidget;"


class LessonPage:
    """One notebook in one browser window. The kernel is ready when this is made."""

    def __init__(self, page):
        self.page = page
        page.wait_for_function(
            "() => window.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'",
        )
        page.locator(".jp-NotebookPanel .jp-Cell").first.wait_for()

    def command(self, name: str, **options) -> None:
        """Carry out one of JupyterLab's commands, and wait until it is done."""
        self.page.evaluate(f"() => jupyterapp.commands.execute({json.dumps(name)}, {json.dumps(options)})")

    def run_all(self) -> None:
        """What Run > Run All Cells does, until the last cell is done."""
        code = [cell for cell in self.notebook()["cells"] if cell["cell_type"] == "code"]
        before = max(cell["execution_count"] or 0 for cell in code)
        # Not awaited: the command ends early where a cell raises and the cells below run all the same.
        self.page.evaluate("() => void jupyterapp.commands.execute('notebook:run-all-cells')")
        last = json.dumps(code[-1]["id"])
        self.page.wait_for_function(
            f"""() => {{ {THIS} const last = panel.content.widgets.find(w => w.model.id === {last});
            return last.model.executionCount > {before} && panel.sessionContext.session.kernel.status === 'idle' }}""",
            timeout=300_000,  # on a machine with other work, too
        )

    def notebook(self) -> dict:
        """The notebook as it would be saved now."""
        return self.page.evaluate(f"() => {{ {THIS} return panel.context.model.toJSON() }}")

    def cell(self, cell_id: str):
        """The cell on the page, scrolled to."""
        ids = [cell["id"] for cell in self.notebook()["cells"]]
        assert cell_id in ids, f"no cell {cell_id}; there are {ids}"
        index = ids.index(cell_id)
        self.page.evaluate(f"async () => {{ {THIS} await panel.content.scrollToItem({index}) }}")
        cell = self.page.locator(f'.jp-NotebookPanel:visible .jp-Cell[data-windowed-list-index="{index}"]')
        cell.scroll_into_view_if_needed()
        return cell

    def output(self, cell_id: str):
        """What the cell has printed or drawn."""
        return self.cell(cell_id).locator(".jp-Cell-outputArea")

    def replace_line(self, cell_id: str, line: str, text: str) -> None:
        """Type over the line of a cell that holds `line`, with the keyboard."""
        self.cell(cell_id).locator(".cm-line", has_text=line).first.click()
        self.page.keyboard.press("End")
        self.page.keyboard.press("Shift+Home")
        self.page.keyboard.type(text)

    def replace(self, cell_id: str, text: str) -> None:
        """Put a text in the place of all that a cell holds, as pasting it does."""
        self.cell(cell_id).locator(".cm-content").click()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(text)

    def text(self, cell_id: str) -> str:
        """What a cell holds."""
        (source,) = [cell["source"] for cell in self.notebook()["cells"] if cell["id"] == cell_id]
        return source if isinstance(source, str) else "".join(source)

    def setup(self) -> str:
        """The cell that imports what the lesson needs."""
        return next(cell["id"] for cell in self.notebook()["cells"] if "setup" in cell["metadata"].get("tags", []))

    def restart(self) -> None:
        """What Kernel > Restart Kernel does, with its question answered by the keyboard, until the kernel is ready."""
        self.page.evaluate("() => { window.restarted = jupyterapp.commands.execute('kernelmenu:restart') }")
        self.page.locator(".jp-Dialog button", has_text="Restart").wait_for()
        self.page.keyboard.press("Enter")
        self.page.evaluate("async () => { await window.restarted }")
        self.page.wait_for_function(f"() => {{ {THIS} return panel.sessionContext.session.kernel.status === 'idle' }}")
        # A new kernel counts from 1 again: the numbers of the old one would look like those of cells that ran.
        self.page.evaluate(
            f"() => {{ {THIS} panel.content.widgets.filter(cell => cell.model.type === 'code')"
            ".forEach(cell => { cell.model.executionCount = null }) }"
        )

    def run(self, cell_id: str) -> None:
        """Run one cell with Shift+Enter, and wait until it is done."""
        before = self._executed(cell_id)
        self.cell(cell_id).locator(".cm-content").click()
        self.page.keyboard.press("Shift+Enter")
        self.page.wait_for_function(
            f"""() => {{ {THIS} const cell = panel.content.widgets.find(w => w.model.id === {json.dumps(cell_id)});
            return cell.model.executionCount && cell.model.executionCount !== {json.dumps(before)}
                && panel.sessionContext.session.kernel.status === 'idle' }}"""
        )

    def _executed(self, cell_id: str) -> int | None:
        return next(cell["execution_count"] for cell in self.notebook()["cells"] if cell["id"] == cell_id)

    def photograph(self, file: Path) -> None:
        """The whole lesson in light, and in dark beside it (`NAME-dark.png`); a long one in parts (`NAME-2.png`)."""
        size = self.page.viewport_size
        for _ in range(2):  # cells that were never in view get their true height in the first, taller window
            height = self.page.evaluate(
                f"""() => {{ {THIS} const edges = panel.content.widgets.map(cell => cell.node.getBoundingClientRect());
                return Math.ceil(edges.at(-1).bottom - edges[0].top) }}"""
            )
            # Chromium draws no picture that is taller than 16,384 pixels.
            self.page.set_viewport_size({"width": size["width"], "height": min(height + 200, TALLEST)})
            self.page.wait_for_timeout(500)
        for theme, stem in (("Dark", f"{file.stem}-dark"), ("Light", file.stem)):
            self.command("apputils:change-theme", theme=f"JupyterLab {theme}")
            for part, top in enumerate(range(0, height, TALLEST - 200), 1):
                self.page.evaluate(f"() => {{ {THIS} panel.content.outerNode.scrollTop = {top} }}")
                self.page.wait_for_timeout(500)
                self.page.screenshot(path=file.with_stem(stem if part == 1 else f"{stem}-{part}"))
        self.page.set_viewport_size(size)
