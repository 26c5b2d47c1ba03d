import pytest
from typer.testing import CliRunner

from archimeter.cli import app
from archimeter.data.errors import InputError, UnknownNameError


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    """Nobody's own store takes part in a test."""
    monkeypatch.setenv("ARCHIMETER_HOME", str(tmp_path / "home"))


def test_results_of_ones_own_have_a_page_of_their_own(tmp_path):
    from archimeter.data.tables import load_profiles

    names = load_profiles()["backbone"].iloc[::50].head(24)
    rows = [f"{name},greenhouse,{0.1 + i / 1000:.3f}" for i, name in enumerate(names)]
    own = tmp_path / "own.csv"
    own.write_text("\n".join(["backbone,dataset,error", *rows]) + "\n", encoding="utf-8")
    page = tmp_path / "r.html"
    result = CliRunner().invoke(app, ["report", "-o", str(page), "--results", str(own), "--only"])
    assert result.exit_code == 0, result.output + repr(result.exception)
    payload = page.read_text(encoding="utf-8").split('id="payload"')[1]
    assert "greenhouse" in payload
    assert '"key":"pets' not in payload


def test_what_to_try_comes_from_ones_own_results_where_they_alone_count(tmp_path):
    names = ("resnet18", "resnet50", "vit_small_patch16_224", "convnext_tiny", "swin_tiny_patch4_window7_224")
    rows = [f"{name},greenhouse,{0.1 + i / 100:.2f}" for i, name in enumerate((*names, "efficientnet_b0"))]
    own, page = tmp_path / "own.csv", tmp_path / "r.html"
    own.write_text("\n".join(["backbone,dataset,error", *rows]) + "\n", encoding="utf-8")
    asked = ["--images", "500", "--classes", "5", "--results", str(own), "--only"]
    result = CliRunner().invoke(app, ["report", "-o", str(page), *asked])
    assert result.exit_code == 0, result.output + repr(result.exception)
    advice = page.read_text(encoding="utf-8").split("Which to try first")[1]
    assert "1 of 6 on greenhouse" in advice


def test_a_page_of_the_named_data_sets_is_written_and_said_on_stderr(tmp_path):
    page = tmp_path / "r.html"
    result = CliRunner().invoke(app, ["report", "-o", str(page), "--dataset", "pets", "--dataset", "planet"])
    assert result.exit_code == 0, result.output
    assert result.stdout == ""
    assert f"{page} written" in result.stderr
    text = page.read_text(encoding="utf-8")
    assert '"key":"pets-best"' in text
    assert '"key":"planet"' in text
    assert "imagenet-sketch" not in text.split('id="payload"')[1]


def test_an_unknown_data_set_is_an_error_that_names_it(tmp_path):
    result = CliRunner().invoke(app, ["report", "-o", str(tmp_path / "r.html"), "--dataset", "petz"])
    assert isinstance(result.exception, UnknownNameError)
    assert "Unknown data set 'petz'" in str(result.exception)


def test_a_report_that_is_no_page_is_refused_before_any_work(tmp_path):
    result = CliRunner().invoke(app, ["report", "-o", str(tmp_path / "r.pdf")])
    assert isinstance(result.exception, InputError)
    with pytest.raises(InputError, match=r"name it \.html"):
        raise result.exception


def test_ones_own_networks_are_among_the_models_of_the_page(tmp_path):
    from archimeter.data.records import Profile
    from archimeter.data.store import Store
    from archimeter.data.tables import manifest

    names = ("resnet18", "resnet34", "resnet50", "resnet101", "vgg11", "nets.py:build")
    own, page = tmp_path / "own.csv", tmp_path / "r.html"
    rows = [f"{name},greenhouse,{0.1 + i / 100:.2f}" for i, name in enumerate(names)]
    own.write_text("\n".join(["backbone,dataset,error", *rows]) + "\n", encoding="utf-8")
    network = {"backbone": "nets:build", "source": "file", "source_ref": "nets.py:build", "mode": "static"}
    with Store() as store:
        store.put_profiles(
            [Profile(**network, device="meta", input_shapes=((3, 224, 224),), params=10_000, macs=20_000_000)]
        )
    result = CliRunner().invoke(app, ["report", "-o", str(page), "--results", str(own), "--only"])
    assert result.exit_code == 0, result.output + repr(result.exception)
    text = page.read_text(encoding="utf-8")
    assert "nets:build" in text.split('id="payload"')[1]
    assert "in 6 results of your own: pick" in text
    (commit,) = [entry.commit for entry in manifest() if entry.study == "fastai"]
    assert commit not in text  # results that take no part are no source
