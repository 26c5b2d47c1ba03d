import json

import pytest
from typer.testing import CliRunner

from archimeter.cli import app
from archimeter.data.errors import InputError, UnknownNameError
from archimeter.data.records import Profile
from archimeter.data.store import Store


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    """Nobody's own store takes part in a test."""
    monkeypatch.setenv("ARCHIMETER_HOME", str(tmp_path / "home"))


def run(*arguments):
    return CliRunner().invoke(app, list(arguments))


def test_claims_are_printed_with_verdicts_and_judged_by_system():
    found = run("claims", "--system", "8")
    assert found.exit_code == 0, found.exception
    assert "EfficientNet's MACs grow as depth · width² · resolution²." in found.stdout
    assert "2 supported, 0 not supported, 0 undecided" in found.stderr
    error = run("claims", "--system", "3").exception
    assert isinstance(error, InputError)
    assert "there are claims of 2, 5, 7, 8, 9" in str(error)


def test_changed_conclusions_come_as_rows():
    rows = json.loads(run("claims", "--changed", "--json").stdout)
    (vit,) = [
        row
        for row in rows
        if (row["dataset"], row["family"], row["statistic"]) == ("planet", "vit", "params")
    ]
    assert vit["published_r2"] == pytest.approx(0.480, abs=5e-4)
    assert vit["changed"] is True


def test_a_front_carries_the_published_score():
    rows = json.loads(run("pareto", "--dataset", "pets", "--study", "fastai", "--json").stdout)
    for row in rows[:5]:
        assert row["utility"] == pytest.approx(row["error"] * (row["fit_time_s"] + 80))
    assert [row["front_probability"] for row in rows] == sorted(
        (row["front_probability"] for row in rows), reverse=True
    )


def test_a_front_is_of_one_setting():
    error = run("pareto", "--dataset", "bloodmnist").exception
    assert isinstance(error, InputError)
    assert "compares one study, data set and recipe" in str(error)


def test_scaling_over_published_members_and_over_results():
    rows = json.loads(run("scaling", "resnet", "--json").stdout)
    assert {(row["response"], row["factor"]) for row in rows} >= {("macs", "depth"), ("params", "width")}
    rows = json.loads(run("scaling", "regnetx", "--error", "--json").stdout)
    (planet,) = [row for row in rows if row["dataset"] == "planet"]
    assert planet["high"] < 0


def test_correlate_shows_the_mean_over_data_sets_and_the_collinearity():
    rows = json.loads(
        run("correlate", "--study", "sfda*", "--statistic", "macs", "--show", "across", "--json").stdout
    )
    (pooled,) = [row for row in rows if row["level"] == "pooled"]
    assert (pooled["n_datasets"], pooled["n_studies"]) == (11, 1)
    assert pooled["cluster_low"] < pooled["mean"] < pooled["cluster_high"]
    rows = json.loads(run("correlate", "--study", "fastai", "--show", "collinearity", "--json").stdout)
    assert {row["together"] for row in rows} == {"sizes", "ratios"}


def test_correlate_fits_a_mixed_model():
    document = json.loads(run("correlate", "--study", "fastai", "--show", "mixed", "--json").stdout)
    assert document["converged"] is True
    terms = {row["term"]: row for row in document["coefficients"]}
    assert terms["size × remote-sensing"]["low"] > 0


@pytest.mark.slow
def test_one_mixed_model_of_all_shipped_results():
    """More than twenty thousand results with four thousand random effects, once refused."""
    found = run("correlate", "--show", "mixed", "--json")
    assert "Fitting one model of" in found.stderr
    document = json.loads(found.stdout)
    assert document["converged"] is True
    assert document["n"] > 20_000
    parts = {row["component"]: row for row in document["components"]}
    assert sum(row["levels"] for name, row in parts.items() if name != "residual") > 4_000
    assert parts["task"]["share"] > 0.5
    terms = {row["term"]: row for row in document["coefficients"]}
    assert terms["size"]["high"] < 0  # larger is better on natural images
    assert terms["recipe linear-probe"]["low"] > 0  # a frozen backbone does worse
    assert terms["pretraining image-text"]["high"] < 0


def own_file(folder):
    own = folder / "mine.csv"
    lines = [f"mine,shoes,resnet{depth},{error}" for depth, error in ((18, 0.3), (34, 0.25), (50, 0.2))]
    lines += [f"mine,shoes,regnetx_{size},{e}" for size, e in (("002", 0.4), ("004", 0.35), ("016", 0.22))]
    own.write_text("\n".join(["study,dataset,backbone,error", *lines]) + "\n", encoding="utf-8")
    return own


def test_correlate_takes_one_s_own_results(tmp_path):
    own = own_file(tmp_path)
    found = run("correlate", "--results", str(own), "--only", "--statistic", "macs", "--json")
    assert "6 results of your own take part, and no others." in found.stderr
    rows = json.loads(found.stdout)
    assert {row["study"] for row in rows} == {"mine"}
    (pooled,) = [row for row in rows if row["level"] == "pooled"]
    assert pooled["n"] == 6
    assert pooled["pearson"] < -0.5


def test_a_network_of_ones_own_that_was_profiled_takes_part(tmp_path):
    """6 known backbones and `nets.py:build`, counted into the store: 7 points of one line."""
    own = own_file(tmp_path)
    own.write_text(own.read_text(encoding="utf-8") + "mine,shoes,nets.py:build,0.6\n", encoding="utf-8")
    assert run("import", str(own), "--keep-unknown").exit_code == 0
    asked = ["correlate", "--only", "--statistic", "macs", "--json"]
    without = run(*asked)
    assert "1 results are of backbones that no profile names" in without.stderr
    with Store() as store:
        store.put_profiles(
            [
                Profile(
                    backbone="nets:build", source="file", source_ref="nets.py:build", mode="static",
                    device="meta", input_shapes=((3, 224, 224),), params=10_000, macs=20_000_000,
                )
            ]
        )  # fmt: skip
    found = run(*asked)
    assert "that no profile names" not in found.stderr
    (before,) = [row for row in json.loads(without.stdout) if row["level"] == "pooled"]
    (after,) = [row for row in json.loads(found.stdout) if row["level"] == "pooled"]
    assert (before["n"], after["n"]) == (6, 7)
    front = json.loads(run("pareto", "--dataset", "shoes", "--only", "--cost", "macs", "--json").stdout)
    assert "nets:build" in {row["model"] for row in front}
    error = json.loads(run("scaling", "--error", "other", "--only", "--json").stdout)
    assert [(row["dataset"], row["n"]) for row in error] == [("shoes", 1)]


def test_imported_results_and_a_named_file_stand_beside_the_shipped(tmp_path):
    own = own_file(tmp_path)
    assert run("import", str(own)).exit_code == 0
    asked = ["correlate", "--dataset", "planet", "--dataset", "shoes", "--statistic", "macs", "--json"]
    imported = run(*asked)
    assert "6 results of your own take part." in imported.stderr
    assert {row["study"] for row in json.loads(imported.stdout)} >= {"mine", "fastai"}
    named = run(*asked, "--store", str(tmp_path / "none.db"), "--results", str(own))
    assert named.exit_code != 0  # a store that was named must be there


def test_every_command_that_uses_results_has_the_same_flags(tmp_path):
    own = own_file(tmp_path)
    asked = ["--results", str(own), "--only", "--json"]
    (front, *_) = json.loads(run("pareto", "--dataset", "shoes", *asked).stdout)
    assert front["front_probability"] == 1
    found = run("scaling", "regnetx", "--error", *asked)
    assert {row["study"] for row in json.loads(found.stdout)} == {"mine"}
    claims = {row["claim"]: row for row in json.loads(run("claims", *asked).stdout)}
    assert claims["planet-exception-vit"]["verdict"] == "undecided"
    assert claims["compound-macs"]["verdict"] == "supported"
    refused = run("scaling", "resnet18", "--only").exception
    assert isinstance(refused, InputError)
    assert "are for --error" in str(refused)


def test_correlate_takes_one_recipe_and_says_which_there_are():
    rows = json.loads(
        run(
            "correlate", "--dataset", "bloodmnist", "--recipe", "linear-*", "--statistic", "macs", "--json"
        ).stdout
    )
    assert {row["recipe"].split(" ")[0] for row in rows} == {"linear-probe"}
    error = run("correlate", "--recipe", "fine-tun").exception
    assert isinstance(error, UnknownNameError)
    assert "Did you mean fine-tune" in str(error)
