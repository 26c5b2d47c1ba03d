"""The page in a real browser: headless Chromium, no network, no complaint."""

import csv
import json
import os
import re
from pathlib import Path

import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
from playwright.sync_api import expect

expect.set_options(timeout=30_000)  # a busy machine may take its time

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

AXE = Path(os.environ.get("ARCHIMETER_AXE", "node_modules/axe-core/axe.min.js"))
SCREENS = {"desktop": (1440, 900), "phone": (390, 844)}


class Visit:
    """A page, with everything it asked of the network and everything it complained of."""

    def __init__(self, context, url):
        self.page = context.new_page()
        self.requests, self.complaints = [], []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(url)
        self.page.wait_for_selector("#cost .plot[data-drawn]")

    def scroll_through(self):
        height = self.page.evaluate("document.documentElement.scrollHeight")
        for at in range(0, height + 600, 600):
            self.page.evaluate(f"scrollTo({{top: {at}, behavior: 'instant'}})")
            self.page.wait_for_timeout(60)

    def names(self):
        return self.page.locator("#table tbody td:first-child").all_inner_texts()


@pytest.fixture
def visit(browser, page_file):
    contexts = []

    def open_page(screen="desktop", fragment="", **options):
        width, height = SCREENS[screen]
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        return Visit(context, page_file.as_uri() + fragment)

    yield open_page
    for context in contexts:
        context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS)
def test_the_page_draws_everything_asks_for_nothing_and_fits_the_screen(visit, screen, scheme):
    seen = visit(screen, color_scheme=scheme)
    seen.scroll_through()
    page = seen.page
    for chart in ("cost", "trends", "heat"):
        page.wait_for_selector(f"#{chart} .plot[data-drawn] .main-svg")
    assert page.locator("#cost .points path.point").count() >= 30
    assert page.locator("#trends .js-line").count() == 3
    assert page.locator("#heat .hm image").count() == 1
    assert seen.requests == [page.url.split("#")[0]]
    assert seen.complaints == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(int(v) for v in background[4:-1].split(",")) < 200) == (scheme == "dark")


def test_claims_open_to_how_they_were_measured_and_fit_a_phone(browser, tmp_path, tables):
    """The page of the small tables has no claims: their card is put on a page by itself."""
    from dataclasses import replace

    from archimeter.reports.page import Tables, assemble, render
    from archimeter.reports.verdicts import claims_section

    page_of = replace(assemble(tables), sections=(claims_section(Tables.shipped()),))
    path = tmp_path / "claims.html"
    path.write_text(render(page_of), encoding="utf-8")
    for width, height in SCREENS.values():
        page = browser.new_page(viewport={"width": width, "height": height})
        page.goto(path.as_uri())
        page.wait_for_selector("#cost .plot[data-drawn]")
        claims = page.locator("#claims .claims li")
        assert claims.count() >= 39
        first = claims.first
        first.locator("summary").click()
        expect(first.locator("dl")).to_be_visible()
        assert "Measured" in first.locator("dl").inner_text()
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        page.close()


def test_a_paradox_between_all_models_and_families_is_named(browser, tmp_path, page_file):
    """The correlations of the first set are made to contradict each other."""
    text = page_file.read_text(encoding="utf-8")
    start = text.index('id="payload">') + len('id="payload">')
    payload, rest = json.JSONDecoder().raw_decode(text[start:])
    for row in payload["sets"][0]["correlations"]["rows"]:
        if row[0] in (-1, -2):
            r = 0.6 if row[0] == -1 else -0.5
            row[1] = [[r, r - 0.2, r + 0.2, 30, 0.01]] + [None] * (len(row[1]) - 1)
    path = tmp_path / "paradox.html"
    made = json.dumps(payload).replace("<", "\\u003c")
    path.write_text(text[:start] + made + text[start + rest :], encoding="utf-8")
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(path.as_uri())
    page.locator("#heat").scroll_into_view_if_needed()
    page.wait_for_selector("#heat .plot[data-drawn]")
    words = page.locator("#heat .finding").inner_text()
    assert "Simpson’s paradox" in words
    assert "r is +0.60 over all models and −0.50 within families." in words
    page.close()


def test_charts_wait_until_they_come_near_the_screen(visit):
    seen = visit("phone")
    assert seen.page.locator("#heat .plot[data-drawn]").count() == 0
    seen.page.locator("#heat").scroll_into_view_if_needed()
    seen.page.wait_for_selector("#heat .plot[data-drawn]")


def test_the_table_sorts_with_the_unknown_last_both_ways(visit, tables):
    page = visit().page
    seen = tables.profiles.sort_values("params")
    heading = page.locator("#table thead th", has_text="Parameters")
    names = page.locator("#table tbody td:first-child")
    heading.click()  # sorting comes after the click, so each name is waited for
    expect(names.first).to_have_text(re.compile("\u200b?".join(seen["backbone"].iloc[0])))
    heading.click()
    expect(names.nth(1)).to_have_text(seen["backbone"].iloc[-2])


def test_one_filter_bar_acts_on_charts_and_table_and_stands_in_the_address(visit):
    seen = visit()
    page = seen.page
    page.locator('#legend button[data-family="vit"]').click()
    assert "family=vit" in page.url
    expect(page.locator("#table tbody tr")).to_have_count(10)
    assert all(name.startswith("vit_") for name in seen.names())
    assert "10 points of 30" in page.locator("#cost .caption").inner_text()
    page.fill("#q", "vit_03")
    expect(page.locator("#table tbody tr")).to_have_count(1)
    assert seen.names() == ["vit_03"]
    assert page.locator("#cost .points path.point").count() == 1 + len(front_of(page))
    page.click("#reset")
    assert "#" not in page.url or page.url.endswith("#")
    expect(page.locator("#table tbody tr")).to_have_count(25)
    assert seen.complaints == []


def front_of(page):
    return page.evaluate("JSON.parse(document.getElementById('payload').textContent).sets[0].fronts.macs")


def test_an_address_with_a_state_opens_in_that_state(visit):
    page = visit(fragment="#data=pets-best&stat=depth&kind=convolutional").page
    assert page.input_value("#data") == "pets-best"
    assert page.input_value('[data-axis="stat"]') == "depth"
    assert page.locator("#shown").inner_text().startswith("10 models of 30")


def test_an_address_of_nonsense_opens_the_page_as_it_starts(visit):
    seen = visit(fragment="#data=__proto__&stat=constructor&kind=x&family=y")
    assert seen.page.input_value("#data") == "pets"
    assert seen.complaints == []


def test_the_download_is_the_table_as_filtered_and_sorted(visit, tmp_path):
    page = visit(fragment="#family=resnet").page
    with page.expect_download() as download:
        page.click("#csv")
    download.value.save_as(tmp_path / "table.csv")
    with (tmp_path / "table.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 10
    assert {row["family"] for row in rows} == {"resnet"}
    errors = [float(row["error"]) for row in rows]
    assert errors == sorted(errors)


def test_nothing_can_be_uploaded_and_html_in_names_does_nothing(visit):
    seen = visit()
    seen.scroll_through()
    titles = seen.page.locator(".modebar-btn").evaluate_all("all => all.map(b => b.dataset.title)")
    assert titles
    assert not [title for title in titles if "hare" in title or "loud" in title]
    assert seen.page.locator("main img").count() == 0
    seen.page.fill("#q", "evil_")
    expect(seen.page.locator("#table tbody tr")).to_have_count(10)
    assert any("onerror" in name for name in seen.names())
    assert seen.complaints == []


def test_print_draws_every_chart_in_light_colours(visit):
    page = visit("desktop", color_scheme="dark").page
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert page.locator(".plot[data-drawn]").count() == 3
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


@pytest.mark.skipif(
    not AXE.exists(), reason="axe-core is not here (npm install axe-core, or set ARCHIMETER_AXE)"
)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation(visit, scheme):
    seen = visit(color_scheme=scheme, bypass_csp=True)
    seen.scroll_through()
    seen.page.evaluate(AXE.read_text(encoding="utf-8"))
    found = seen.page.evaluate(
        "axe.run().then(r => r.violations.map(v => [v.id, v.impact, v.nodes.map(n => n.html.slice(0, 160))]))"
    )
    assert found == []
