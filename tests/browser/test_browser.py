"""Pages in a real browser, opened from disk, as a person would use them."""

from __future__ import annotations

import re

import pytest

from graphcut.render.page.html import html
from graphcut.render.palette import FILLS
from graphcut.render.picture import layout
from graphcut.results import Verdict
from tests.browser.audits import NASTY, whole_page
from tests.browser.browsers import chromium, missing
from tests.unit.render.picture.audits import STOPPED, beside, through
from tests.unit.render.text.fakes import FakeAudit, cut, dag, variable

no_layout = "" if any(map(layout.available, layout.ENGINES)) else "no layout engine"
pytestmark = [
    pytest.mark.skipif(bool(missing() or no_layout), reason=missing() or no_layout),
    pytest.mark.xdist_group("browser"),
]
FRAMED = FakeAudit(
    graph=dag("""
        enc/kernel = VariableV2
        enc/bias = VariableV2
        enc/MatMul = MatMul enc/kernel
        enc/Add = Add enc/MatMul enc/bias
        stop = StopGradient enc/Add
        loss = Mean stop
    """),
    variables=tuple(variable(f"enc/{name}", Verdict.NONE, cut=(cut("stop"),)) for name in ("kernel", "bias")),
    carrying=frozenset({"loss"}),
)
STOP, VERDICTS, HOSTILE = "#loss-0", "#loss-1", "#loss-2"


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


@pytest.fixture
def opened(browser, tmp_path):
    """Open a page, and fail at the end if it raised an error or requested anything else."""
    wrong, context = [], browser.new_context(viewport={"width": 1300, "height": 800}, offline=True)

    def open_page(text, state=""):
        (tmp_path / "cut.html").write_text(text, encoding="utf-8")
        page = context.new_page()
        page.on("console", lambda message: wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("dialog", lambda dialog: (wrong.append(dialog.message), dialog.dismiss()))
        page.on(
            "request", lambda request: wrong.append(request.url) if not request.url.startswith(("file://", "blob:")) else None
        )
        page.goto((tmp_path / "cut.html").as_uri() + state)
        return page

    yield open_page
    context.close()
    assert wrong == []


@pytest.fixture
def page(opened):
    return opened(whole_page(), "#0")


def lit(page, loss):
    """The titles of the boxes that are lit up, in the order of the picture."""
    return page.locator(f"{loss} g.node.lit").evaluate_all("all => all.map(each => each.querySelector('text').textContent)")


def box(page, loss, title):
    return page.locator(f"{loss} g.node[data-box]").filter(has_text=re.compile(title)).first


def view(page, loss=STOP):
    return [float(each) for each in page.locator(f"{loss} .picture > svg").get_attribute("viewBox").split()]


def row(page, loss, name):
    return page.locator(f"{loss} .row").filter(has_text=re.compile(name)).first


def test_a_variable_without_a_gradient_lights_up_its_cut_and_is_explained(page):
    row(page, STOP, "w1").click()
    assert set(lit(page, STOP)) == {"loss", "MatMul_1", "hidden", "MatMul", "w1"}
    assert "It is cut by stop-gradient at hidden, /src/model.py:12" in page.inner_text(f"{STOP} .answer")
    assert row(page, STOP, "w1").get_attribute("aria-current") == "true"


def test_a_variable_with_a_gradient_lights_up_its_path(page):
    row(page, STOP, "w2").click()
    assert set(lit(page, STOP)) == {"loss", "MatMul_1", "w2"}
    assert "Route to the loss: w2" in page.inner_text(f"{STOP} .answer")


def test_a_stop_shows_what_it_cuts(page):
    page.click(f"{STOP} .stops .row")
    assert "It cuts off 1 variable:" in page.inner_text(f"{STOP} .answer")
    assert set(lit(page, STOP)) == {"loss", "MatMul_1", "hidden", "MatMul", "w1"}
    page.click(f"{STOP} .answer .row")
    assert "w1 [3, 2] gets no gradient" in page.inner_text(f"{STOP} .answer")


def test_a_box_of_the_picture_can_be_clicked(page):
    box(page, STOP, "^w2").click()
    assert "w2 [3, 2] gets a gradient" in page.inner_text(f"{STOP} .answer")
    box(page, STOP, "hidden").click()
    assert "hidden: cuts off the gradient (cuts)" in page.inner_text(f"{STOP} .answer")
    box(page, STOP, "MatMul_1").click()
    assert "A gradient passes. 1 op: MatMul_1" in page.inner_text(f"{STOP} .answer")


def test_a_click_beside_the_boxes_chooses_nothing(page):
    row(page, STOP, "w1").click()
    page.locator(f"{STOP} .picture > svg").click(position={"x": 5, "y": 5})
    assert lit(page, STOP) == [] and page.locator(f"{STOP} .answer").is_hidden()


def test_search_narrows_the_table_and_marks_the_boxes(page):
    page.fill("#search", "w2")
    assert page.locator(f"{STOP} .variables .row").all_inner_texts() == ["flows w2 [3, 2]"]
    assert page.locator(f"{STOP} g.node.found").count() == 1
    assert page.inner_text("#found") == "1 variable, 0 stops, 1 box"
    page.press("#search", "Enter")
    assert set(lit(page, STOP)) == {"loss", "MatMul_1", "w2"}
    page.fill("#search", "")
    assert row(page, STOP, "w2").get_attribute("aria-current") == "true"
    assert page.locator(f"{STOP} .variables .row").count() == 3 and page.locator("g.node.found").count() == 0


def test_search_finds_ops_and_stops(page):
    page.fill("#search", "hid")
    assert page.inner_text("#found") == "0 variables, 1 stop, 1 box"
    page.fill("#search", "no such thing")
    assert page.inner_text("#found") == "0 variables, 0 stops, 0 boxes"


def test_zoom_by_button_wheel_and_key(page):
    page.click("#fit")
    whole = view(page)
    page.click("#in")
    assert view(page)[2] == pytest.approx(whole[2] / 1.25)
    page.hover(f"{STOP} .picture > svg", position={"x": 100, "y": 100})
    page.mouse.wheel(0, -100)
    page.wait_for_function(
        "width => document.querySelector('.picture > svg').viewBox.baseVal.width < width", arg=whole[2] / 1.5
    )
    page.keyboard.press("0")
    assert view(page) == pytest.approx(whole)


def test_a_drag_moves_the_picture_and_chooses_nothing(page):
    before, place = view(page), box(page, STOP, "hidden").bounding_box()
    page.mouse.move(place["x"] + 5, place["y"] + 15)
    page.mouse.down()
    page.mouse.move(place["x"] + 105, place["y"] + 65, steps=4)
    page.mouse.up()
    after = view(page)
    scale = page.locator(f"{STOP} .picture > svg").bounding_box()["width"] / before[2]
    assert [before[0] - after[0], before[1] - after[1]] == pytest.approx([100 / scale, 50 / scale], rel=0.05)
    assert page.locator(f"{STOP} .answer").is_hidden()


def test_everything_by_keyboard(page):
    page.keyboard.press("/")
    page.keyboard.type("w1")
    page.keyboard.press("Enter")
    assert "w1 [3, 2] gets no gradient" in page.inner_text(f"{STOP} .answer")
    page.keyboard.press("Escape")
    assert page.locator(f"{STOP} .answer").is_hidden() and page.input_value("#search") == ""
    page.locator(f"{STOP} .variables .row").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert "w2 [3, 2] gets a gradient" in page.inner_text(f"{STOP} .answer")


def test_the_picture_by_keyboard(page):
    assert page.locator(f"{STOP} .picture [tabindex='0']").count() == 1
    page.locator(f"{STOP} .picture [tabindex='0']").focus()
    box(page, STOP, "loss").focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "ArrowLeft", "Enter"):
        page.keyboard.press(key)
    assert "w1 [3, 2]" in page.inner_text(f"{STOP} .answer")
    before = view(page)
    page.keyboard.press("Shift+ArrowRight")
    assert view(page)[0] > before[0]


def test_the_keys_are_told(page):
    page.keyboard.press("?")
    assert page.locator("#keys").is_visible()
    page.keyboard.press("Escape")
    assert page.locator("#keys").is_hidden()


def places(page):
    return page.locator(f"{VERDICTS} g.node").evaluate_all(
        "all => all.map(each => [each.getBoundingClientRect().x, each.getBoundingClientRect().y])"
    )


def test_a_scope_folds_and_unfolds(page):
    page.click("#tab-1")
    frame, inside = page.locator(f"{VERDICTS} g.cluster").filter(has_text="vq"), box(page, VERDICTS, "Round")
    page.click("#fit")
    height, before = view(page, VERDICTS)[3], places(page)
    frame.focus()
    page.keyboard.press("Enter")
    assert inside.is_hidden() and "3 boxes, 1 cut" in frame.text_content()
    assert frame.get_attribute("data-worst") is None
    page.click("#fit")
    assert view(page, VERDICTS)[3] < height and frame.get_attribute("aria-expanded") == "false"
    page.click("#unfold")
    assert inside.is_visible() and frame.locator("text").first.text_content() == "vq"
    moved = [abs(new - old) for now, then in zip(places(page), before) for new, old in zip(now, then)]
    assert max(moved) < 1


def test_a_folded_frame_is_laid_out_anew_and_what_is_chosen_stays_lit(page):
    page.click("#tab-1")
    row(page, VERDICTS, "vq").first.click()
    page.locator(f"{VERDICTS} g.cluster").filter(has_text="vq").locator("text").first.click()
    assert page.locator(f"{VERDICTS} .picture > svg > g[data-folded]").count() == 1
    assert page.locator(f"{VERDICTS} g.edge.lit").count() and page.locator(f"{VERDICTS} g.node.lit").count()
    page.click("#unfold")
    assert page.locator(f"{VERDICTS} g[data-folded]").count() == 0 and page.locator(f"{VERDICTS} g.node.lit").count()


def apart(areas):
    """Whether no two areas share more than a pixel."""
    return all(
        one["x"] >= other["x"] + other["width"] - 1
        or other["x"] >= one["x"] + one["width"] - 1
        or one["y"] >= other["y"] + other["height"] - 1
        or other["y"] >= one["y"] + one["height"] - 1
        for at, one in enumerate(areas)
        for other in areas[:at]
    )


@pytest.mark.parametrize("key", ["f", "Enter"])
def test_a_folded_frame_shows_that_a_variable_in_it_gets_no_gradient(opened, key):
    page = opened(html([FRAMED]))
    frame = page.locator("g.cluster[data-scope]").filter(has_text="enc").first
    frame.focus()
    page.keyboard.press(key)
    shown = page.locator("g.cluster[aria-expanded='false']").filter(has_text="enc").first
    assert "2 none" in shown.text_content() and shown.get_attribute("data-worst") == "none"
    fill = "each => getComputedStyle(each.querySelector('path, polygon')).fill"
    assert shown.evaluate(fill) == "rgb({}, {}, {})".format(*bytes.fromhex(FILLS[Verdict.NONE][1:]))


def test_boxes_keep_apart_when_every_scope_is_folded(page):
    page.click("#tab-1")
    page.keyboard.press("f")
    seen = [each.bounding_box() for each in page.locator(f"{VERDICTS} g.node").all() if each.is_visible()]
    seen += [each.bounding_box() for each in page.locator(f"{VERDICTS} g.cluster").all() if each.is_visible()]
    assert apart(seen)


def test_choosing_what_is_folded_unfolds_it(page):
    page.click("#tab-1")
    page.click("#fold")
    row(page, VERDICTS, "enc/kernel").click()
    assert box(page, VERDICTS, "kernel").is_visible() and box(page, VERDICTS, "Round").is_hidden()


def test_losses_are_tabs(page):
    assert page.locator(VERDICTS).is_hidden()
    page.focus("#tab-0")
    page.keyboard.press("ArrowRight")
    assert page.locator(VERDICTS).is_visible() and page.locator(STOP).is_hidden()
    assert page.get_attribute("#tab-1", "aria-selected") == "true" and page.get_attribute("#tab-0", "tabindex") == "-1"


def words_of_tabs(page):
    return [" ".join(tab.inner_text().split()) for tab in page.get_by_role("tab").all()]


def test_the_worst_loss_is_open_and_tabs_carry_counts(opened):
    page = opened(html({"fine": beside(3, 9), "broken": STOPPED}))
    assert words_of_tabs(page) == ["fine 3 of 3 get a gradient", "broken 1 of 3 get a gradient"]
    assert page.get_by_role("tab", name="broken").get_attribute("aria-selected") == "true"


def test_a_group_shows_why(opened):
    page = opened(html([through(9, 4)]))
    page.locator("summary").filter(has_text="none").first.click()
    told = page.inner_text(".answer")
    assert "4 variables, none" in told and "stop-gradient at block_7/StopGradient" in told and "block_0/kernel" in told


def test_a_stop_tells_what_would_be_without_it(page):
    page.locator(f"{STOP} .stops .row").first.click()
    page.locator(f"{STOP} .whatif").click()
    assert "Removing it alone would bring a gradient back." in page.inner_text(f"{STOP} .answer")
    page.locator(f"{STOP} .whatif").click()
    assert "Removing it" not in page.inner_text(f"{STOP} .answer")


def test_the_address_holds_what_is_chosen(opened):
    text = whole_page()
    page = opened(text, "#0")
    row(page, STOP, "w1").click()
    state = page.evaluate("location.hash")
    assert state == "#0/variable-0"
    again = opened(text, state)
    assert "w1" in again.inner_text(f"{STOP} .answer")


@pytest.mark.parametrize("state", ["#9", "#0/variable-999", "#0/constructor-0", "#<img>", "#0/box--1"])
def test_an_address_that_means_nothing_chooses_nothing(opened, state):
    assert opened(whole_page(), state).locator(".answer:visible").count() == 0


@pytest.mark.parametrize("kind, start", [("svg", b"<svg"), ("png", b"\x89PNG")])
def test_the_picture_can_be_saved(page, tmp_path, kind, start):
    with page.expect_download() as download:
        page.click("#" + kind)
    download.value.save_as(tmp_path / "saved")
    saved = (tmp_path / "saved").read_bytes()
    assert saved.startswith(start) and len(saved) > 1000 and b"<script" not in saved
    assert b'class="sign"' not in saved and (kind == "png" or b'fill="white"' in saved)
    words = saved.decode("utf-8", "replace")
    assert kind == "png" or all(
        each in words for each in ("variables get no gradient", "flows: gets a gradient (", "cut: no gradient")
    )


def test_a_phone_shows_the_picture_and_scrolls_to_the_table(opened):
    page = opened(whole_page(), "#0")
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.locator(f"{STOP} .picture").bounding_box()["height"] > 400


def test_every_barrier_is_lit_for_its_variable(page):
    page.click("#tab-1")
    for name, barrier in (("table", "Gather"), ("scale", "mul"), ("odd", "Foo")):
        row(page, VERDICTS, f"{name} ").click()
        assert barrier in lit(page, VERDICTS) and name in lit(page, VERDICTS)


def test_hostile_names_are_text(page):
    page.click("#tab-2")
    assert page.locator("script").count() == 2 and page.locator("img").count() == 0
    for name in ("alert(1)</script>/w0", '"]/w2', "-->/w3", "{{7*7}}/w7"):
        page.fill("#search", name)
        assert page.locator(f"{HOSTILE} .variables .row").count() == 1
        page.press("#search", "Enter")
        assert name in page.inner_text(f"{HOSTILE} .answer")
    assert words_of_tabs(page)[2] == NASTY[0] + " 0 of 9 get a gradient"


def test_the_policy_stops_what_would_come_in(browser, tmp_path):
    inside = '<main><script>document.title = "in"</script><img src="x.png" onerror="document.title = 1">'
    (tmp_path / "cut.html").write_text(whole_page().replace("<main>", inside), encoding="utf-8")
    with browser.new_context() as context:
        page, complaints = context.new_page(), []
        page.on("console", lambda message: complaints.append(message.text))
        page.goto((tmp_path / "cut.html").as_uri())
        assert page.title() == "3 losses - graphcut" and sum("Content Security Policy" in each for each in complaints) >= 2
        assert not page.evaluate("fetch('data:text/plain,x').then(() => true, () => false)")
        assert page.evaluate("try { document.body.innerHTML = '<b>'; false } catch (error) { error instanceof TypeError }")


def test_without_an_engine_the_table_still_answers(opened, monkeypatch):
    monkeypatch.setattr(layout, "available", lambda engine: False)
    bare = opened(html([STOPPED]))
    assert "install one" in bare.inner_text(".missing")
    bare.fill("#search", "w1")
    bare.press("#search", "Enter")
    bare.keyboard.press("+")
    bare.click("#fold")
    assert "It is cut by stop-gradient at hidden" in bare.inner_text(".answer")


def test_without_scripts_there_is_the_table_as_text(browser, tmp_path):
    (tmp_path / "cut.html").write_text(whole_page(), encoding="utf-8")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((tmp_path / "cut.html").as_uri())
    assert "stop-gradient at hidden" in page.inner_text(f"{STOP} pre") and box(page, STOP, "hidden").is_visible()
    context.close()


def test_the_picture_fits_a_new_size_until_it_is_moved(page):
    def seen():
        return page.locator(f"{STOP} .picture > svg").get_attribute("viewBox").split()

    before = seen()
    page.set_viewport_size({"width": 900, "height": 500})
    page.wait_for_function(f"document.querySelector('{STOP} .picture > svg').getAttribute('viewBox') !== '{' '.join(before)}'")
    for each in page.locator(f"{STOP} g.node").all():
        place, frame = each.bounding_box(), page.locator(f"{STOP} .picture").bounding_box()
        assert frame["x"] <= place["x"] and place["x"] + place["width"] <= frame["x"] + frame["width"]
    page.locator("#in").click()
    corner = seen()[:2]
    page.set_viewport_size({"width": 1000, "height": 500})
    assert seen()[:2] == corner
