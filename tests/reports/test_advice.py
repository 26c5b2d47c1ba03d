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
    details = shown.locator(".choices details")
    assert details.count() == QUERY.top
    assert details.nth(1).get_attribute("open") is None
    details.nth(1).locator("summary").click()
    assert details.nth(1).locator("dl").is_visible()
    context.close()
