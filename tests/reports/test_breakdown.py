import pytest

from archimeter.data.errors import InputError
from archimeter.reports.breakdown import _ink, breakdown_info, plot_breakdown, write_breakdown

# a stem of 10, two blocks of (3 + 4) and (5), a head of 2: 24 in all
ROWS = [
    {"module": "stem", "macs": 10, "params": 1},
    {"module": "blocks.0.attn", "macs": 3, "params": 1},
    {"module": "blocks.0.mlp", "macs": 4, "params": 1},
    {"module": "blocks.1", "macs": 5, "params": 1},
    {"module": "<b>head</b>", "macs": 2, "params": None},
    {"module": "norm", "macs": 0, "params": 1},
]


def bars(**options):
    return {bar.path: bar for bar in breakdown_info(ROWS, title="net", **options).bars}


def test_a_module_holds_everything_inside_it():
    found = bars()
    assert {path: bar.value for path, bar in found.items()} == {
        "": 24,
        "stem": 10,
        "blocks": 12,
        "blocks.0": 7,
        "blocks.0.attn": 3,
        "blocks.0.mlp": 4,
        "blocks.1": 5,
        "<b>head</b>": 2,
    }


def test_children_lie_side_by_side_inside_their_parent():
    found = bars()
    assert [found[path].start for path in ("stem", "blocks", "<b>head</b>")] == [0, 10, 22]
    assert [found[path].start for path in ("blocks.0", "blocks.1")] == [10, 17]
    assert [found[path].start for path in ("blocks.0.attn", "blocks.0.mlp")] == [10, 13]


def test_what_lies_deeper_counts_towards_the_deepest_drawn():
    assert set(bars(deepest=1)) == {"", "stem", "blocks", "<b>head</b>"}
    assert bars(deepest=1)["blocks"].value == 12


def test_a_backbone_without_any_of_the_measure_is_refused():
    with pytest.raises(InputError, match="No module of net has any multiply-accumulates"):
        breakdown_info([{"module": "", "macs": 0}], title="net")


def test_the_figure_has_a_bar_a_module():
    figure = plot_breakdown(ROWS, title="net")
    assert len(figure.data[0].x) == 8
    assert max(figure.data[0].y) == 3


def test_the_page_is_the_same_each_time_and_keeps_names_as_text(tmp_path):
    one = write_breakdown(ROWS, tmp_path / "a.html", title="net<script>").read_bytes()
    two = write_breakdown(ROWS, tmp_path / "b.html", title="net<script>").read_bytes()
    assert one == two
    assert b"<b>head</b>" not in one
    assert b"net<script>" not in one


@pytest.mark.parametrize(
    ("colour", "ink"), [("#000000", "#ffffff"), ("#767676", "#ffffff"), ("#777777", "#1b1f24")]
)
def test_labels_are_white_only_where_contrast_is_enough(colour, ink):
    # 4.54 and 4.48 to 1: the two greys on either side of WCAG's 4.5
    assert _ink(colour) == ink


@pytest.mark.browser
@pytest.mark.xdist_group("browser")
@pytest.mark.parametrize("width", [1440, 390])
def test_the_page_draws_without_network_or_complaint(browser, tmp_path, width):
    title = "a_backbone_whose_name_is_longer_than_a_phone_is_wide_patch16_224"
    path = write_breakdown(ROWS, tmp_path / "net.html", title=title)
    page = browser.new_page(viewport={"width": width, "height": 800})
    requests, complaints = [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(path.as_uri())
    page.wait_for_selector('[data-chart="1"][data-drawn]')
    assert page.locator('[data-chart="0"] .point').count() == 8
    assert requests == [path.as_uri()]
    assert complaints == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    page.close()
