"""Makes the README's picture of the course, course.png: python tests/browser/picture.py

Two pieces of real pages: a wrong answer in lesson 00 with what the check says of it, and a figure of lesson 01 with a
slider.
"""

import io
import tempfile
from pathlib import Path

from lesson_page import LessonPage
from PIL import Image, ImageChops
from servers import Lab, chromium, course_lab

from mmlearn.paths import root

WIDTH = 720  # CSS pixels of a notebook's page: as narrow as its longest line of code allows
GAP = 16
WRONG = "return images_BCYX.mean(dim=1)"


def open_lesson(browser, lab: Lab, number: str) -> LessonPage:
    """A lesson as the start copied it, without JupyterLab's frame."""
    context = browser.new_context(viewport={"width": WIDTH, "height": 1400}, device_scale_factor=1.25)
    context.set_default_timeout(60_000)
    page = context.new_page()
    (file,) = (lab.folder / "work").glob(f"{number}_*.ipynb")
    page.goto(f"{lab.server}/lab/tree/work/{file.name}?reset&token={lab.token}")
    lesson = LessonPage(page)
    lesson.command("application:set-mode", mode="single-document")
    page.add_style_tag(content=".jp-SideBar, #jp-left-stack, .jp-cell-toolbar { display: none !important }")
    lesson.command("application:toggle-left-area")
    return lesson


def feedback(lesson: LessonPage) -> list[Image.Image]:
    """A wrong answer in lesson 00, and what the check says of it."""
    lesson.run(lesson.setup())
    lesson.replace_line("start-mean", "raise NotImplementedError", WRONG)
    lesson.run("start-mean")
    lesson.run("check-start-mean")
    lesson.page.keyboard.press("Escape")
    return [taken(lesson.cell("start-mean").locator(".jp-InputArea-editor")), taken(lesson.output("check-start-mean"))]


def figure(lesson: LessonPage) -> list[Image.Image]:
    """Lesson 01's picture cut into patches, with its slider one step from where it begins."""
    for cell in lesson.notebook()["cells"]:
        if cell["cell_type"] == "code":
            lesson.run(cell["id"])
        if cell["id"] == "patches-and-sequence":
            break
    output = lesson.output("patches-and-sequence")
    output.locator("[role=slider]").focus()
    lesson.page.keyboard.press("ArrowLeft")
    lesson.page.locator("img[alt*='side 8']").wait_for()
    lesson.page.evaluate("document.activeElement.blur()")
    return [taken(output)]


def taken(locator) -> Image.Image:
    """What is seen of an element, without the white around it."""
    picture = Image.open(io.BytesIO(locator.screenshot())).convert("RGB")
    return picture.crop(ImageChops.invert(picture).getbbox())


def below(pictures: list[Image.Image]) -> Image.Image:
    """Pictures in a column, on white."""
    size = max(p.width for p in pictures), sum(p.height + GAP for p in pictures) - GAP
    page, top = Image.new("RGB", size, "white"), 0
    for picture in pictures:
        page.paste(picture, (0, top))
        top += picture.height + GAP
    return page


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        tempfile.TemporaryDirectory() as home,
        chromium() as browser,
        course_lab(Path(folder), Path(home)) as lab,
    ):
        columns = [below(feedback(open_lesson(browser, lab, "00"))), below(figure(open_lesson(browser, lab, "01")))]
    page = Image.new(
        "RGB", (sum(c.width + 2 * GAP for c in columns), max(c.height for c in columns) + 2 * GAP), "white"
    )
    left = GAP
    for column in columns:
        page.paste(column, (left, (page.height - column.height) // 2))
        left += column.width + 2 * GAP
    page.quantize(128, dither=Image.Dither.NONE).save(root() / "course.png", optimize=True)
    print(f"course.png: {page.width} × {page.height} pixels, {(root() / 'course.png').stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
