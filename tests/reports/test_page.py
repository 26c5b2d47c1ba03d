import json
import re

import pytest

import archimeter
from archimeter.data.errors import InputError
from archimeter.reports.page import assemble, render, report

SCRIPT = re.compile(r"<script([^>]*)>", re.IGNORECASE)


@pytest.fixture(scope="module")
def text(page_file):
    return page_file.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def payload(text):
    return json.loads(re.search(r'id="payload">(.*?)</script>', text, re.DOTALL).group(1))


def test_equal_tables_give_equal_bytes(tables, text):
    assert render(assemble(tables)) == text


def test_the_front_door_writes_the_page_and_returns_its_path(tables, tmp_path):
    path = archimeter.report(tmp_path / "r.html", datasets=["pets"], tables=tables)
    assert path == tmp_path / "r.html"
    assert path.stat().st_size < 6e6


def test_every_name_stands_once_whatever_the_number_of_data_sets(payload):
    names = payload["backbones"]["name"]
    assert len(names) == len(set(names)) == 30
    assert json.dumps(payload).count('"vit_05"') == 1


def test_the_numbers_of_the_page_are_those_of_the_tables(tables, payload):
    place = payload["backbones"]["name"].index("vit_05")
    profile = tables.profiles.set_index("backbone").loc["vit_05"]
    assert payload["measures"]["macs"]["values"][place] == profile["macs"]
    assert payload["measures"]["depth"]["values"][place] == profile["depth"]
    pets = payload["sets"][0]
    models = [payload["model"]["backbone"][m] for m in pets["model"]]
    runs = tables.observations.query("backbone == 'vit_05' and learning_rate == 0.008 and dataset == 'pets'")
    assert pets["error"][models.index(place)] == pytest.approx(runs["error"].mean(), rel=1e-5)


def test_names_that_hold_html_stay_text(text):
    """Three scripts of ours and the data: nothing that a name, a study or a title brought in."""
    opened = SCRIPT.findall(re.sub(r"<script>.*?</script>", "<script>", text, flags=re.DOTALL))
    assert opened == [' type="application/json" id="payload"', "", "", ""]
    body = text.split("<body>")[1].split('<script type="application/json"')[0]
    assert "<img" not in body
    assert "A study &lt;script&gt;alert(3)&lt;/script&gt;" in body
    assert "Nobody &amp; Sons, 2026" in body


def test_the_page_forbids_the_network_and_switches_the_upload_off(text, payload):
    assert "default-src &#39;none&#39;" in text or "default-src 'none'" in text
    assert payload["config"]["showSendToCloud"] is False
    assert payload["config"]["plotlyServerURL"] == ""


def test_provenance_is_told_table_by_table(text):
    for fact in (
        "nobody/sons @ abc",
        "MIT",
        "135 (135 ok)",
        "A trap.",
        "for want of 20 backbones: 1 set (tiny 1)",
    ):
        assert fact in text


def test_the_study_s_gaps_stand_beside_its_rankings(payload):
    assert payload["sets"][0]["gaps"] == "EfficientNet was not tried."


def test_a_page_is_html_and_nothing_else(tables, tmp_path):
    with pytest.raises(InputError, match=r"r\.pdf': a report is a page, name it \.html"):
        report(tmp_path / "r.pdf", tables=tables)


def test_a_path_that_cannot_be_written_is_one_clear_message(tables, tmp_path):
    with pytest.raises(InputError, match=r"Cannot write .*missing.*No such file"):
        report(tmp_path / "missing" / "r.html", tables=tables)
