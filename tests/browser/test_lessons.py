"""The lessons in a real browser, as a learner meets them. Training is cut short (MMLEARN_QUICK=1)."""

import json

SLIDER = ".noUi-handle"


def assert_ran_with_stand_ins(lesson):
    """Nothing raised, every check says that its reference stands in, and every figure is described."""
    cells = [cell for cell in lesson.notebook()["cells"] if cell["cell_type"] == "code"]
    assert all(cell["execution_count"] for cell in cells)
    errors = [(cell["id"], out["evalue"]) for cell in cells for out in cell["outputs"] if out["output_type"] == "error"]
    assert errors == []
    checks = [cell["id"] for cell in cells if cell["id"].startswith("check-")]
    assert checks
    for check in checks:
        assert "reference stands in" in lesson.output(check).inner_text()
    pictures = lesson.page.locator(".jp-NotebookPanel:visible .jp-OutputArea-output img")
    described = pictures.evaluate_all("images => images.map(i => [i.naturalWidth, i.alt])")
    assert described and all(width > 0 and alt.strip() for width, alt in described)
    return described


def test_the_printed_address_opens_lesson_00_and_all_of_it_runs(open_lesson, lab, screenshots):
    lesson = open_lesson()
    assert lesson.page.title().startswith("00_start")
    lesson.run_all()
    assert len(assert_ran_with_stand_ins(lesson)) == 6
    assert lesson.page.locator(".Toastify__toast, .jp-Dialog").all_inner_texts() == []  # no news, no questions
    lesson.photograph(screenshots / "lesson-00.png")


def test_lesson_01_runs_and_its_slider_moves(open_lesson, screenshots):
    lesson = open_lesson("01")
    lesson.run_all()
    assert_ran_with_stand_ins(lesson)
    lesson.photograph(screenshots / "lesson-01.png")

    maps = lesson.output("attention-maps")
    before = maps.locator("img").get_attribute("src"), maps.locator("img").get_attribute("alt")
    assert "layer 1" in before[1]
    maps.locator(SLIDER).focus()
    lesson.page.keyboard.press("ArrowRight")
    lesson.page.wait_for_function("[...document.images].some(i => i.alt.includes('in layer 2'))")
    assert maps.locator("img").get_attribute("src") != before[0]
    maps.screenshot(path=screenshots / "lesson-01-slider.png")


def test_lesson_02_runs_and_answers_what_is_typed(open_lesson, screenshots):
    lesson = open_lesson("02")
    lesson.run_all()
    assert_ran_with_stand_ins(lesson)
    lesson.photograph(screenshots / "lesson-02.png")

    for cell, typed, said in (
        ("nearest-pictures", "a bird", "nearest to 'a bird': "),
        ("your-labels", "a cat, a banana", "the most of 2 labels"),
    ):
        output = lesson.output(cell)
        before = output.locator("img").get_attribute("src")
        field = output.locator("input[type=text]")
        field.fill(typed)
        field.press("Enter")
        lesson.page.wait_for_function(
            "words => [...document.images].some(image => image.alt.includes(words))", arg=said
        )
        assert output.locator("img").get_attribute("src") != before
        output.screenshot(path=screenshots / f"lesson-02-{cell}.png")


def test_lesson_03_runs_and_finds_other_sounds_for_another_text(open_lesson, screenshots):
    lesson = open_lesson("03")
    lesson.run_all()
    assert_ran_with_stand_ins(lesson)
    lesson.photograph(screenshots / "lesson-03.png")

    sounds = lesson.output("nearest-sounds")
    before = sounds.locator("audio").first.get_attribute("src")
    assert before.startswith("data:audio/flac;base64,")
    field = sounds.locator("input[type=text]")
    field.fill("rocket")
    field.press("Enter")
    first = "[...document.querySelectorAll('audio')].some(sound => sound.src === source)"
    lesson.page.wait_for_function(f"source => !{first}", arg=before)
    sounds.screenshot(path=screenshots / "lesson-03-sounds.png")


def test_lesson_14_runs_and_its_knobs_change_picture_and_sound(open_lesson, screenshots):
    lesson = open_lesson("14")
    lesson.run_all()
    assert_ran_with_stand_ins(lesson)
    lesson.photograph(screenshots / "lesson-14.png")

    knobs = lesson.output("knobs")
    for number in range(3):  # window, hop, bins
        before = [knobs.locator(kind).get_attribute("src") for kind in ("img", "audio")]
        assert before[1].startswith("data:audio/flac;base64,")
        knobs.locator(SLIDER).nth(number).focus()
        lesson.page.keyboard.press("ArrowRight")
        for kind, source in zip(("img", "audio"), before, strict=True):
            same = f"[...document.querySelectorAll('{kind}')].some(each => each.src === source)"
            lesson.page.wait_for_function(f"source => !{same}", arg=source)
    knobs.screenshot(path=screenshots / "lesson-14-knobs.png")


def test_a_wrong_answer_its_hints_and_the_right_answer(open_lesson, lab, screenshots):
    lesson = open_lesson("00")
    lesson.run("00-start-here-code-1")
    feedback = lesson.output("check-start-mean")

    lesson.replace_line("start-mean", "raise NotImplementedError", "return images_BCYX.mean(dim=1)")
    lesson.run("start-mean")
    lesson.run("check-start-mean")
    assert "You averaged over the channels, axis 1." in feedback.inner_text()
    assert "reference stands in" in feedback.inner_text()

    hints = feedback.locator("details")
    for number in range(hints.count()):
        hint = hints.nth(number)
        text = hint.locator("> div")
        assert not text.is_visible()
        hint.locator("> summary").click()
        assert text.is_visible()
    assert number == 2
    feedback.screenshot(path=screenshots / "lesson-00-feedback.png")

    # A cell that does not even parse stops nothing: its check reports it, and the cells below run.
    lesson.replace_line("start-mean", "return images_BCYX", "retrun images_BCYX")
    lesson.run_all()
    outputs = {cell["id"]: cell.get("outputs") for cell in lesson.notebook()["cells"]}
    assert [output["ename"] for output in outputs["start-mean"]] == ["SyntaxError"]
    assert "mend it first" in lesson.output("check-start-mean").inner_text()
    assert outputs["mean-pictures"] and outputs["your-progress-code-1"]

    lesson.replace_line("start-mean", "retrun images_BCYX", "return images_BCYX.mean(dim=0)")
    lesson.run("start-mean")
    lesson.run("check-start-mean")
    assert "everything holds" in feedback.inner_text() and "reference" not in feedback.inner_text()
    progress = json.loads((lab.folder / "work" / "progress.json").read_text())["exercises"]["start.mean"]
    assert progress["best"] == 1.0 and progress["attempts"] == 2

    lesson.command("docmanager:save")
    lesson.page.reload()
    again = type(lesson)(lesson.page)
    assert "return images_BCYX.mean(dim=0)" in again.cell("start-mean").inner_text()
    assert "everything holds" in again.output("check-start-mean").inner_text()
