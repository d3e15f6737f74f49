"""The dashboard as a person meets it, in a browser without a window."""

import contextlib
import math
import os
import random
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from browser import Browser, chromium

import aios
from aios.bridge.library_check import TRIAL

pytestmark = [
    pytest.mark.native,
    pytest.mark.skipif(
        chromium() is None,
        reason="no Chromium here: apt-get install chromium lifts it, which make test does as root",
    ),
]

_IMAGES = Path(__file__).resolve().parents[3] / "docs" / "images"
_MOST_BYTES = 150_000


@pytest.fixture(scope="module")
def server(digits, tmp_path_factory):
    """Answers with digits, and with a model of 8 numbers whose next version is broken."""
    folder = tmp_path_factory.mktemp("models")
    shutil.copytree(digits.bundle, folder / "digits" / "1.cell")
    shutil.copytree(TRIAL, folder / "trial" / "1.cell")
    broken = shutil.copytree(TRIAL, folder / "trial" / "2.cell")
    (broken / "golden.safetensors").write_bytes(b"x")
    with aios.Server(folder, http_port=0, poll_s=0) as opened:
        yield opened


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    opened = Browser(tmp_path_factory.mktemp("browser"))
    with contextlib.closing(opened):
        if (why := opened.why_not()) is not None:
            pytest.skip(f"Chromium doesn't start here: {why}; one that does lifts it")
        yield opened


@pytest.fixture(scope="module")
def page(browser, server):
    """The page with digits shown, and its form filled."""
    opened = browser.open(f"{server.url}/#/digits/1")
    opened.until(
        "document.querySelector('.try [role=status]')?.textContent.includes('Sample 1 of')"
    )
    return opened


@pytest.fixture
def open_page(browser):
    """Opens pages, which are closed after the test."""
    with contextlib.ExitStack() as opened:
        yield lambda url: opened.enter_context(contextlib.closing(browser.open(url)))


def _answer(page):
    """What the form answers now, as [(label, score)]."""
    page.run("document.querySelector('.answer').replaceChildren()")
    page.run("document.querySelector('.try .primary').click()")
    page.until("document.querySelector('.answer').children.length > 0")
    rows = page.run(
        "[...document.querySelectorAll('.answer tbody tr')]"
        ".map(row => [row.cells[0].textContent, row.cells[row.cells.length - 1].textContent])"
    )
    return [(label, float(score)) for label, score in rows]


def _fill(page, text):
    page.run(
        "(() => { const text = document.querySelector('.try textarea');"
        f"text.value = {text!r}; text.dispatchEvent(new Event('input', {{bubbles: true}})); }})()"
    )


def test_it_shows_every_version_and_asks_nobody_else(page, server):
    states = page.run(
        "Object.fromEntries([...document.querySelectorAll('.models tbody tr')]"
        ".map(row => [row.cells[0].textContent, row.cells[1].textContent]))"
    )
    assert states == {
        "digits version 1": "Answers", "trial version 1": "Answers", "trial version 2": "Failed",
    }  # fmt: skip
    assert page.run("document.querySelector('#model-name').innerText") == "digits version 1"
    assert "compiled" in page.run("document.querySelector('.models .selected').innerText")
    assert page.errors() == []
    assert all(url.startswith(f"{server.url}/") for url in page.requests())


def test_a_look_a_second_tells_rates_and_latencies(page, server):
    with aios.Client(server.url) as client:
        for _ in range(20):
            client.infer("digits", np.zeros((1, 64), np.float32))
    rate = "document.querySelector('.models .selected').cells[4].innerText"
    assert float(page.until(f"parseFloat({rate}) > 0 && {rate}").replace(",", "")) > 0
    p99 = page.run("document.querySelector('.models .selected').cells[6].innerText")
    assert p99.endswith(("µs", "ms"))


def test_the_form_answers_as_the_cell_does_and_compares_it_with_the_training_model(page, digits):
    with aios.load(digits.bundle) as bridge:
        shown = page.run("document.querySelector('.try textarea').value")
        x = np.array(shown.split(","), np.float32)[None]
        expected = bridge.perform_inference(x)[0]
    answer = _answer(page)
    assert [label for label, _ in answer] == [str(digit) for digit in range(10)]
    assert np.allclose([score for _, score in answer], expected, rtol=2e-3, atol=1e-7)
    chosen = page.run("document.querySelector('.answer tr.chosen th').innerText")
    assert chosen == str(expected.argmax())
    assert "The training model answered the same" in page.text()


def test_numbers_that_were_typed_are_answered_and_wrong_ones_are_told(page, digits):
    _fill(page, "0.5, 1")
    page.run("document.querySelector('.try .primary').click()")
    told = page.until("document.querySelector('.answer [role=alert]')?.innerText")
    assert told == "x: expected 64 values, got 2"
    _fill(page, ", ".join(["0.25"] * 64))
    with aios.load(digits.bundle) as bridge:
        expected = bridge.perform_inference(np.full((1, 64), 0.25, np.float32))[0]
    assert np.allclose([score for _, score in _answer(page)], expected, rtol=2e-3, atol=1e-7)
    assert "Your own input" in page.text()


def test_a_picture_is_scaled_to_the_inputs_shape_and_range(page):
    page.run("""new Promise((done) => {
      const canvas = new OffscreenCanvas(80, 80);
      const context = canvas.getContext("2d");
      context.fillStyle = "#fff";
      context.fillRect(0, 0, 80, 80);
      context.fillStyle = "#000";
      context.fillRect(0, 0, 40, 80);
      canvas.convertToBlob().then((blob) => {
        const files = new DataTransfer();
        files.items.add(new File([blob], "half.png", {type: "image/png"}));
        const input = document.querySelector(".image input[type=file]");
        input.files = files.files;
        input.dispatchEvent(new Event("change"));
        done();
      });
    })""")
    values = page.until(
        "(() => { const text = document.querySelector('.try textarea').value;"
        "return text.startsWith('0, 0, 0, 0') && text; })()"
    )
    rows = np.array(values.split(","), np.float32).reshape(8, 8)
    assert (rows[:, :3] < 0.1).all()
    assert (rows[:, 5:] > 0.9).all()
    assert rows.max() <= 1


def test_everything_is_reached_by_the_keyboard_and_has_a_name(open_page, server):
    page = open_page(f"{server.url}/")
    page.until("document.querySelector('.try [role=status]')?.textContent.includes('Sample')")
    reached = []
    for _ in range(15):
        page.press("Tab")
        reached.append(page.run("document.activeElement.innerText || document.activeElement.type"))
    assert reached[:4] == ["Skip to the models", "digits", "trial", "trial"]
    assert {"textarea", "Run", "Another sample", "file"} <= set(reached)
    page.run("document.querySelectorAll('.models a')[1].focus()")
    page.press("Enter", text="\r")
    page.until("document.querySelector('#model-name')?.innerText === 'trial version 1'")
    assert page.run("document.activeElement.getAttribute('aria-current')") == "true"
    nodes = page.call("Accessibility.getFullAXTree")["nodes"]
    roles = {"button", "link", "textbox", "checkbox", "spinbutton", "table", "image", "figure"}
    nameless = [
        node
        for node in nodes
        if node["role"]["value"] in roles - {"figure"} and not node["name"]["value"]
        if not node.get("ignored")
    ]
    assert nameless == []
    assert page.errors() == []


def test_sixteen_bit_floats_are_numpys(page):
    halves = np.arange(1 << 16, dtype=np.uint16)
    script = """import("/dashboard/tensors.js").then(({decode, encode}) => {
      const bits = Uint16Array.from({length: 65536}, (_, i) => i);
      const values = decode("%s", new Uint8Array(bits.buffer));
      const again = new Uint16Array(encode("%s", values).buffer);
      return [values.map(String), [...again]];
    })"""
    values, again = page.run(script.replace("%s", "FP16"))
    expected = halves.view(np.float16)
    finite = np.isfinite(expected)
    assert (np.array(values)[finite].astype(np.float32) == expected[finite]).all()
    assert (np.array(again)[~np.isnan(expected)] == halves[~np.isnan(expected)]).all()
    values, again = page.run(script.replace("%s", "BF16"))
    expected = (halves.astype(np.uint32) << 16).view(np.float32)
    finite = np.isfinite(expected)
    assert (
        np.array(values)[finite].astype(np.float64).astype(np.float32) == expected[finite]
    ).all()
    assert (np.array(again)[~np.isnan(expected)] == halves[~np.isnan(expected)]).all()


def test_a_quantile_is_where_the_histogram_has_it(page):
    script = """import("/dashboard/traffic.js").then(({quantile}) =>
      [quantile([0, 10, 0], [1, 2], 0.5), quantile([1, 0, 0], [1, 2], 1),
       quantile([0, 0, 4], [1, 2], 0.5), quantile([0, 0, 0], [1, 2], 0.5)])"""
    assert page.run(script) == [1.5, 1, 2, None]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_read_on_a_narrow_screen_and_in_either_scheme(page, scheme):
    page.look(360, 800, scheme)
    assert page.run("document.documentElement.scrollWidth") <= 360
    ratios = page.run("""(() => {
      const style = getComputedStyle(document.documentElement);
      const light = (name) => {
        const hex = style.getPropertyValue(name).trim().slice(1);
        const part = (i) => parseInt(hex.slice(i, i + 2), 16) / 255;
        const linear = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
        return 0.2126 * linear(part(0)) + 0.7152 * linear(part(2)) + 0.0722 * linear(part(4));
      };
      const ratio = (one, other) => {
        const [low, high] = [light(one), light(other)].sort((a, b) => a - b);
        return (high + 0.05) / (low + 0.05);
      };
      return ["--ink", "--quiet", "--accent", "--bad"].flatMap((name) =>
        ["--paper", "--card"].map((ground) => ratio(name, ground)))
        .concat(ratio("--on-accent", "--accent"));
    })()""")
    assert min(ratios) >= 4.5  # WCAG 2, AA


def test_a_server_that_is_gone_is_told_and_one_that_is_back_is_shown(open_page, server):
    page = open_page(f"{server.url}/")
    page.until("document.querySelector('#health').innerText === 'Ready'")
    away = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    page.call("Network.emulateNetworkConditions", offline=True, **away)
    page.until("document.querySelector('#notice').innerText.includes('asks again each second')")
    assert page.run("document.querySelector('#health').innerText") == "No answer"
    page.call("Network.emulateNetworkConditions", offline=False, **away)
    page.until("document.querySelector('#notice').hidden")
    assert page.run("document.querySelector('#health').innerText") == "Ready"


def _waves(server, seconds):
    """Traffic that comes and goes, for a picture of it."""
    x = np.zeros((1, 64), np.float32)
    began = time.monotonic()
    with aios.Client(server.url) as client:
        while (passed := time.monotonic() - began) < seconds:
            client.infer("digits", x)
            if random.random() < 0.2:
                client.infer("trial", x[:, :8], version=1)
            time.sleep(0.004 + 0.003 * math.sin(passed / 4))


def test_screenshots_for_the_docs_are_small(page, server, tmp_path):
    """`make screenshots` makes those of docs/images again, after a minute of traffic."""
    writes = os.environ.get("AIOS_WRITE_SCREENSHOTS")
    folder = _IMAGES if writes else tmp_path
    folder.mkdir(exist_ok=True)
    if writes:
        page.run("[...document.querySelectorAll('.try button')].at(-1).click()")
        _waves(server, 60)
    _answer(page)
    for name, width, height, scheme in (
        ("dashboard-light", 1280, 1000, "light"),
        ("dashboard-dark", 1280, 1000, "dark"),
        ("dashboard-narrow", 390, 844, "light"),
    ):
        page.look(width, height, scheme)
        page.screenshot(folder / f"{name}.png")
        assert 5_000 < (folder / f"{name}.png").stat().st_size < _MOST_BYTES
