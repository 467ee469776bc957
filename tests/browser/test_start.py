"""Lesson 00's tables in a real browser: the menus of the map, the button of the progress table, links to lessons."""


def test_the_map_is_filtered_and_a_link_opens_the_lesson(open_lesson, screenshots):
    lesson = open_lesson("00")
    lesson.run("00-start-here-code-1")
    lesson.run("map")
    shown = lesson.output("map")
    rows = shown.locator("tbody tr")
    everything = rows.count()
    assert (
        shown.locator("select").evaluate_all("menus => menus.map(m => m.selectedOptions[0].text)") == ["anything"] * 2
    )

    shown.locator("select").nth(1).select_option("audio")
    shown.locator("caption", has_text="with audio coming out").wait_for()
    assert 0 < rows.count() < everything
    assert rows.last.locator("th").inner_text() == "Moshi"
    shown.screenshot(path=screenshots / "lesson-00-map.png")
    shown.locator("select").nth(1).select_option("anything")
    shown.locator("tbody tr", has_text="ViT").first.wait_for()
    assert rows.count() == everything

    page = lesson.page.url
    shown.locator("a", has_text="01").first.click()
    lesson.page.locator(".lm-TabBar-tab.jp-mod-current", has_text="01_vit").wait_for()
    assert lesson.page.locator(".lm-TabBar-tab", has_text="00_start").count() == 1, page


def test_the_progress_table_looks_again(open_lesson, lab, screenshots):
    (lab.folder / "work" / "progress.json").unlink(missing_ok=True)  # of the tests before
    lesson = open_lesson("00")
    lesson.run("00-start-here-code-1")
    lesson.run("your-progress-code-1")
    first = lesson.output("your-progress-code-1").locator("tbody tr").first
    before = first.inner_text()

    lesson.replace_line("start-mean", "raise NotImplementedError", "return images_BCYX.mean(dim=0)")
    lesson.run("start-mean")
    lesson.run("check-start-mean")
    shown = lesson.output("your-progress-code-1")
    shown.locator("button", has_text="Refresh").click()
    shown.locator("tbody tr", has_text="1 of 1").first.wait_for()
    assert "0 of 1" in before and "■" in shown.locator("tbody tr").first.inner_text()
    shown.screenshot(path=screenshots / "lesson-00-progress.png")
