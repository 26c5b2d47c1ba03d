"""A recommendation as a page: what it says, and that it says it on any screen without a network."""

import html
import re

import pytest

from archimeter.analysis.evidence import Evidence, load_evidence
from archimeter.analysis.limits import LatencyBudget
from archimeter.analysis.query import Query
from archimeter.analysis.recommend import recommend
from archimeter.data.errors import InputError
from archimeter.reports.advice import WIDTH, advice_section, choices, write_advice

QUERY = Query(
    images=1000,
    classes=17,
    domain="remote-sensing",
    within=(LatencyBudget(2e-3, "RTX 4090"),),
    licences=("apache*", "mit"),
    top=6,
)


@pytest.fixture(scope="module")
def answer():
    return recommend(QUERY, load_evidence())


@pytest.fixture(scope="module")
def page(answer, tmp_path_factory):
    words = ("Your images: 1,000 <of> 17 classes.",)
    return write_advice(tmp_path_factory.mktemp("advice") / "answer.html", answer, words)


def test_a_bar_spans_what_the_numbers_say(answer):
    shown = choices(answer)
    lows = [row.expected.behind_low for row in answer.rows]
    highs = [row.expected.behind_high for row in answer.rows]
    left, right = min(0, *lows), max(0, *highs)
    for row, choice in zip(answer.rows, shown, strict=True):
        span = choice.span
        assert 0 <= span.low <= span.middle <= span.high <= WIDTH
        assert span.zero == pytest.approx(WIDTH * (0 - left) / (right - left), abs=0.01)
        assert span.high == pytest.approx(
            WIDTH * (row.expected.behind_high - left) / (right - left), abs=0.01
        )
        assert f"{100 * row.expected.error:.1f} %" in choice.error


def test_every_row_says_what_it_costs_and_where_that_is_from(answer):
    for row, choice in zip(answer.rows, choices(answer), strict=True):
        costs = dict(choice.costs)
        assert row.speeds[0].source in costs["NVIDIA GeForce RTX 4090"]
        assert ("measure it" in costs["NVIDIA GeForce RTX 4090"]) == (row.speeds[0].verdict == "measure")
        facts = dict(choice.facts)
        assert facts["licence"] == row.licence
        assert str(row.preprocessing["input_size"][-1]) in facts["preprocessing"]


def test_the_page_holds_the_question_the_rows_and_the_neighbours(page, answer):
    text = page.read_text()
    assert "Which backbones to try on 1,000 remote-sensing images" in text
    for row in answer.rows:
        assert row.weights in text
    for neighbour in answer.nearest:
        assert neighbour.task.dataset in text
    assert "1,000 &lt;of&gt; 17 classes" in text  # what comes from outside is escaped
    assert answer.advice in text
    assert all(item.replace("'", "&#39;") in text for item in answer.checklist)


def test_the_page_says_how_many_fit_and_how_many_are_ranked(answer, page):
    assert answer.n_candidates > answer.n_fitting >= answer.n_ranked > len(answer.rows)
    finding = advice_section(answer).finding
    assert f"leads {answer.n_ranked:,} backbones" in finding
    assert f"the {answer.n_fitting:,} models that fit the budget" in finding
    assert f"{answer.n_fitting:,} of {answer.n_candidates:,}" in page.read_text()


def test_neighbours_stand_in_the_order_of_their_likeness_under_what_they_were_measured_by(answer):
    body = advice_section(answer).body
    rows = re.findall(r'<th class="text" scope="row">(.*?)<small>', body)
    assert rows == [one.task.dataset for one in answer.nearest]
    for one, best in zip(answer.nearest, answer.best_there, strict=True):
        assert f"{len(one.task.results)} models by {one.task.measure}" in body
        assert all(f"{found.model} ({100 * found.error:.2f}\u00a0%)" in body for found in best)
    assert "Weight" not in body


def test_where_nothing_is_stated_no_data_set_is_called_like_yours(tmp_path):
    text = write_advice(tmp_path / "none.html", recommend(Query(top=2))).read_text()
    assert "most like yours" not in text
    assert "Nothing is stated of your images, so no data set is near" in text
    assert re.search(r"data sets like yours</dt><dd>none", text)


def test_the_page_loads_nothing_and_runs_nothing(page):
    text = page.read_text()
    assert "default-src 'none'" in html.unescape(text)
    assert not re.search(r"<script|https?://", text)


def test_the_same_answer_is_the_same_page(page, answer, tmp_path):
    words = ("Your images: 1,000 <of> 17 classes.",)
    assert write_advice(tmp_path / "again.html", answer, words).read_bytes() == page.read_bytes()


def test_without_predictions_the_page_shows_ranks():
    rows = [
        {
            "study": "s", "dataset": "d", "backbone": name, "match": "architecture", "recipe": "fine-tune",
            "error": error, "metric": "top1", "status": "ok",
        }
        for name, error in [("resnet18", 0.2), ("resnet50", 0.1)]
    ]  # fmt: skip
    section = advice_section(recommend(Query(), Evidence.of(observations=rows)))
    assert "by its rank on the nearest data sets (1)" in section.finding
    assert "rank score" in section.body
    assert "<svg" not in section.body


def test_a_page_that_cannot_be_written_is_one_clear_message(answer, tmp_path):
    with pytest.raises(InputError, match="Cannot write"):
        write_advice(tmp_path / "none" / "answer.html", answer)


@pytest.mark.browser
@pytest.mark.xdist_group("browser")
@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
def test_it_fits_the_screen_and_complains_of_nothing(browser, page, width, height):
    context = browser.new_context(viewport={"width": width, "height": height})
    shown, complaints = context.new_page(), []
    shown.on("console", lambda message: complaints.append(message.text))
    shown.goto(page.as_uri())
    assert shown.evaluate("document.documentElement.scrollWidth") <= width
    assert complaints == []
    table, region = shown.locator(".stack"), shown.locator("#advice .numbers")
    assert table.bounding_box()["width"] <= region.bounding_box()["width"] + 1
    heads = table.locator("tbody th")
    beside = heads.first.bounding_box()["y"] == pytest.approx(
        table.locator("tbody td").first.bounding_box()["y"], abs=2
    )
    assert beside == (width > 800)  # cards on a phone
    details = shown.locator(".choices details")
    assert details.count() == QUERY.top
    assert details.nth(1).get_attribute("open") is None
    details.nth(1).locator("summary").click()
    assert details.nth(1).locator("dl").is_visible()
    context.close()
