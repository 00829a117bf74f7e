"""The page in a real browser, whose camera plays a rendered face.

Run with `uv run pytest -m browser`; it needs Debian's package chromium. Screenshots are left in the
folder that MACE_SCREENSHOTS names, if it names one.
"""

import base64
import os
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from chromium import Chromium, wait_until, write_y4m
from livefakes import served

pytestmark = pytest.mark.browser
SIZES = {"laptop": (1280, 800), "phone": (390, 844)}


@pytest.fixture(scope="module")
def address(surprise_folder):
    with served("--frames", str(surprise_folder)) as found:
        yield found


@pytest.fixture(params=SIZES)
def browser(request, surprise, tmp_path):
    frames = [cv2.resize(frame, (640, 480)) for frame in surprise.frames]
    video = tmp_path / "face.y4m"
    write_y4m(video, [*frames, *frames[::-1]], fps=60)
    size = SIZES[request.param]
    browser = Chromium(
        tmp_path / "profile", video=video, size=size, mobile=request.param == "phone"
    )
    browser.name = request.param
    yield browser
    browser.close()


def keep(browser, name):
    folder = os.environ.get("MACE_SCREENSHOTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        browser.screenshot(Path(folder) / f"{browser.name}-{name}.png")
        browser.screenshot(Path(folder) / f"{browser.name}-{name}-whole.png", whole=True)


def text(browser, name):
    return browser.run(f"document.getElementById('{name}').textContent")


def rows(browser):
    return browser.run("document.querySelectorAll('#rows tr').length")


def drawn(browser, name):
    """How many pixels of a canvas are not empty."""
    return browser.run(
        f"(() => {{ const c = document.getElementById('{name}');"
        "if (!c.width || !c.height) return 0;"
        "return c.getContext('2d').getImageData(0, 0, c.width, c.height).data"
        ".filter((v, i) => i % 4 == 3 && v).length; })()"
    )


def fits(browser):
    return browser.run("document.documentElement.scrollWidth <= innerWidth")


def always_visible(browser):
    """The footer with both notices lies within the window wherever the page is scrolled to."""
    return browser.run(
        "[0, 1e6].every((y) => { scrollTo(0, y); const r = "
        "document.querySelector('footer').getBoundingClientRect();"
        "return r.height > 10 && r.top >= 0 && r.bottom <= innerHeight + 1; })"
    )


def test_watching_the_server(browser, address):
    browser.open(address)
    wait_until(lambda: rows(browser) >= 3, 20)
    wait_until(lambda: drawn(browser, "overlay") > 50, 5)
    time.sleep(2)
    browser.run("scrollTo(0, 0)")
    keep(browser, "view")
    assert drawn(browser, "picture") > 10_000
    assert drawn(browser, "timeline") > 1000
    assert text(browser, "status") == "Connected"
    assert text(browser, "rate") == "200 /s"
    # Nothing is named while nothing moves; what is certain is named for a while.
    wait_until(lambda: text(browser, "label") == "No micro-movement", 5)
    wait_until(lambda: text(browser, "label") == "Moves: brow left", 5)
    assert text(browser, "moving").count("AU01") == 1
    wait_until(lambda: text(browser, "named").startswith("micro: surprise, 70"), 5)
    assert browser.run("document.getElementById('bars').hidden")
    keep(browser, "moving")
    browser.run("document.getElementById('probabilities').click()")
    meters = "[...document.querySelectorAll('#bars [role=meter]')]"
    wait_until(lambda: browser.run(f"{meters}.some((meter) => meter.ariaValueNow > 0)"), 5)
    values = browser.run(f"{meters}.map((meter) => Number(meter.ariaValueNow))")
    assert len(values) == 3
    assert 98 <= sum(values) <= 102
    assert fits(browser)
    assert always_visible(browser)

    # By keyboard alone: the pause button is reached, pressed, and the picture stands still.
    for _ in range(14):
        browser.press("Tab", 9)
        if browser.run("document.activeElement.id") == "pause":
            break
    browser.press("Enter", 13)
    assert browser.run("document.getElementById('pause').getAttribute('aria-pressed')") == "true"

    def stands():
        before = text(browser, "time")
        time.sleep(0.5)
        return text(browser, "time") == before

    wait_until(stands, 10)  # what was on its way may still come
    names = browser.run(
        "[...document.querySelectorAll('button, select, input, [role=meter], canvas')]"
        ".filter((e) => !e.ariaHidden && !(e.textContent.trim() || e.ariaLabel ||"
        "e.ariaLabelledByElements?.length || e.labels?.length)).length"
    )
    assert names == 0
    log = browser.run("fetch('log').then((a) => a.text())")
    assert log.count('"type":"event"') >= 3
    assert browser.errors == []


def begin(browser):
    """Start the camera, again where the server has not noticed yet that a tab before was closed."""

    def analysed():
        said = text(browser, "status")
        if "in use" in said:
            browser.run("document.getElementById('start').click()")
        return said == "Your camera is analysed"

    browser.run("document.getElementById('start').click()")
    wait_until(analysed, 60)


@pytest.mark.parametrize("form", ["jpeg", "grey"])
def test_sending_the_browser_s_camera(browser, address, form):
    browser.open(address)
    browser.run("document.querySelector('[data-mode=camera]').click()")
    browser.run(
        f"(() => {{ const f = document.getElementById('format'); f.value = '{form}';"
        "f.dispatchEvent(new Event('change')); })()"
    )
    keep(browser, f"camera-{form}-before")
    begin(browser)
    wait_until(lambda: rows(browser) >= 2, 60)
    browser.run("scrollTo(0, 0)")
    keep(browser, f"camera-{form}")
    assert text(browser, "status") == "Your camera is analysed"
    wait_until(lambda: int(text(browser, "rate").split()[0]) > 0, 60)
    wait_until(lambda: drawn(browser, "overlay") > 50, 60)
    assert fits(browser)
    assert always_visible(browser)
    figures = {name: text(browser, name) for name in ("rate", "delay", "dropped")}
    print(browser.name, form, figures)
    # Closing the tab frees the engine: as many cameras as are allowed can come after it.
    for _ in range(3):
        browser.open("about:blank")
        browser.open(address)
        browser.run("document.querySelector('[data-mode=camera]').click()")
        begin(browser)
    wait_until(lambda: rows(browser) >= 1, 60)
    browser.run("document.getElementById('stop').click()")
    # What the last frames made certain is told after the end.
    first = "document.querySelector('#rows tr td').textContent"
    wait_until(lambda: browser.run(first) == "99.00", 60)
    assert text(browser, "status") == "The camera is off"
    assert browser.errors == []


def slide(browser, factor):
    browser.run(
        f"(() => {{ const f = document.getElementById('factor'); f.value = {factor};"
        "f.dispatchEvent(new Event('input')); })()"
    )


def shown_face(browser):
    """The corrected face on the page, grey."""
    data = browser.run("document.getElementById('face').toDataURL()")
    png = np.frombuffer(base64.b64decode(data.partition(",")[2]), np.uint8)
    return cv2.imdecode(png, cv2.IMREAD_GRAYSCALE)


@pytest.mark.parametrize("browser", ["laptop"], indirect=True)
def test_half_a_pixel_is_five_on_the_page(browser, tmp_path):
    with served("--brow", "0.5", "--seconds", "2") as address:
        browser.open(address)
        wait_until(lambda: "last picture" in text(browser, "status"), 30)
        # A page that is opened after the end shows the last picture, too.
        browser.open(address)
        wait_until(lambda: drawn(browser, "picture") > 10_000, 10)
        wait_until(lambda: "last picture" in text(browser, "status"), 5)
        assert browser.run("document.getElementById('empty').hidden")
        slide(browser, 2)
        time.sleep(0.5)
        before = shown_face(browser)
        slide(browser, 10)
        time.sleep(0.5)
        keep(browser, "exaggerated")
        after = shown_face(browser)
    y, x = 74, 95  # where the brow is raised most, of 320 px
    patch = before[y - 22 : y + 22, x - 30 : x + 30]
    around = after[y - 52 : y + 52, x - 60 : x + 60]
    *_, (column, row) = cv2.minMaxLoc(cv2.matchTemplate(around, patch, cv2.TM_CCOEFF_NORMED))
    # From twice to ten times is eight halves of a px of 128, of which a patch sees the mean.
    assert column == pytest.approx(30, abs=2)
    assert row == pytest.approx(30 - 0.85 * 8 * 0.5 * 320 / 128, abs=2)
    assert np.abs(after[160:].astype(int) - before[160:]).max() <= 2
    assert browser.errors == []
