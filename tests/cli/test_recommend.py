import json
import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from archimeter.analysis.evidence import Evidence
from archimeter.cli import app
from archimeter.data.errors import InputError

ERRORS = {"resnet18.a1_in1k": 0.05, "resnet50.a1_in1k": 0.04}
PARAMS = {"resnet18": 11_689_512, "resnet50": 25_557_032}


def made_evidence():
    return Evidence.of(
        observations=[
            {
                "study": "made", "dataset": "planet", "backbone": weights.partition(".")[0],
                "weights": weights,
                "match": "exact", "recipe": "fine-tune", "error": error, "metric": "top1", "status": "ok",
            }
            for weights, error in ERRORS.items()
        ],
        datasets=[{"dataset": "planet", "domain": "remote-sensing", "n_train": 800, "n_classes": 17}],
        profiles=[{"backbone": name, "params": params} for name, params in PARAMS.items()],
    )  # fmt: skip


@pytest.fixture
def run(monkeypatch, tmp_path):
    monkeypatch.setenv("ARCHIMETER_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("archimeter.analysis.evidence.load_evidence", made_evidence)
    return lambda *arguments: CliRunner().invoke(app, ["recommend", *arguments])


def test_the_table_is_ranked_and_the_notes_stay_off_stdout(run):
    found = run("--images", "1000", "--classes", "17", "--domain", "remote-sensing")
    assert found.exit_code == 0
    lines = [line for line in found.stdout.splitlines() if "resnet" in line]
    assert ["resnet50" in lines[0], "resnet18" in lines[1]] == [True, True]
    assert "25.6 M" in lines[0]
    assert "only a run on your images tells that" in found.stderr
    assert "only a run" not in found.stdout


def test_json_is_one_object_with_rows_nearest_and_notes(run):
    document = json.loads(run("--domain", "remote-sensing", "--json").stdout)
    assert [row["weights"] for row in document["recommendations"]] == ["resnet50.a1_in1k", "resnet18.a1_in1k"]
    assert document["recommendations"][0]["results"][0]["error"] == 0.04
    assert document["nearest"][0]["reasons"] == ["same domain: remote-sensing", "800 training images"]
    assert document["nearest"][0]["likeness"] == "near"
    assert document["query"]["domain"] == "remote-sensing"


def test_the_same_question_gives_the_same_bytes(run):
    assert run("--images", "500", "--json").stdout == run("--images", "500", "--json").stdout


def test_csv_has_one_line_a_row(run):
    header, *lines = run("--csv").stdout.splitlines()
    assert header.startswith("rank,backbone,weights,")
    assert len(lines) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--max-params", "1M"], "the smallest of 2 is resnet18.a1_in1k with 11.69 M"),
        (["--max-params", "many"], "'many' is not a count"),
        (["--domain", "space"], "Unknown domain 'space'"),
        (["--within", "5 ms"], "'5 ms' is no latency budget"),
        (["--domain", "audio"], "where none of them fits: --domain unknown"),
        (["--recipe", "from-scratch"], "The recipe from-scratch cannot be answered"),
        (["--anchor", "resnet50=0.04", "--anchor", "ResNet50=0.2"], "The anchor resnet50 is given twice"),
    ],
)
def test_a_bad_question_is_one_clear_message(run, arguments, message):
    found = run(*arguments)
    assert isinstance(found.exception, InputError)  # main() prints it and exits with 1
    assert message in str(found.exception)


HEAVY = {"torch", "timm", "plotly", "pandas", "scipy", "statsmodels", "sklearn", "PIL"}


def test_a_shipped_answer_needs_neither_torch_nor_plotly_nor_pandas_nor_scipy(tmp_path):
    """The real command on the real tables, with a budget of every kind, in a process of its own."""
    arguments = [
        *("recommend", "--images", "1000", "--classes", "17", "--domain", "remote-sensing", "--json"),
        *("--within", "5 ms @ RTX 4090", "--max-fit-time", "2 h @ RTX 3090", "--anchor", "resnet50=0.05"),
    ]
    script = (
        f"import sys\nsys.argv[1:] = {arguments}\nfrom archimeter.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        f"print(*({HEAVY!r} & set(sys.modules)), file=sys.stderr)"
    )
    environment = {**os.environ, "ARCHIMETER_HOME": str(tmp_path)}
    runs = [
        subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment
        )
        for _ in range(2)
    ]
    assert runs[0].stderr.strip() == ""
    assert runs[0].stdout == runs[1].stdout  # the same query, the same bytes
    assert len(json.loads(runs[0].stdout)["recommendations"]) == 10


def test_a_folder_of_images_is_looked_at_and_answers_for_itself(run, tmp_path):
    import numpy as np
    from PIL import Image

    rng = np.random.default_rng(0)
    for i in range(12):
        where = tmp_path / "images" / f"class{i % 3}"
        where.mkdir(parents=True, exist_ok=True)
        small = Image.fromarray(rng.integers(0, 255, (6, 6, 3), dtype=np.uint8))
        small.resize((64, 64), Image.Resampling.BICUBIC).save(where / f"{i}.png")
    (tmp_path / "images" / "class0" / "bad.png").write_text("no image")
    found = run(str(tmp_path / "images"), "--json", "--domain", "texture")
    document = json.loads(found.stdout)
    asked = document["query"]
    assert (asked["images"], asked["classes"], asked["image_size"], asked["channels"]) == (12, 3, 64, 3)
    assert asked["domain"] == "texture"
    assert document["images"]["per_class"] == {"class0": 4, "class1": 4, "class2": 4}
    assert "1 cannot be read" in found.stderr
    assert "bad.png" in found.stderr
    stated = json.loads(run(str(tmp_path / "images"), "--json", "--images", "9").stdout)
    assert (stated["query"]["images"], stated["query"]["domain"]) == (9, "unknown")


def test_a_wrong_option_is_refused_before_anything_is_looked_at(run, tmp_path, monkeypatch):
    monkeypatch.setattr("archimeter.cli.looking.look_at", None)
    assert "Unknown domain 'space'" in str(run(str(tmp_path), "--domain", "space").exception)
    assert "no fit time" in str(run(str(tmp_path), "--max-fit-time", "2 h").exception)


def test_labels_alone_ask_for_the_folder(run, tmp_path):
    assert "recommend ./images --labels" in str(run("--labels", str(tmp_path / "x.csv")).exception)


def test_results_of_ones_own_alone_are_enough(run, tmp_path):
    file = tmp_path / "mine.csv"
    names = ["resnet18", "resnet50", "vgg11"]
    lines = [f"cells,{name},{80 + i}" for i, name in enumerate(names)]
    file.write_text("\n".join(["dataset,backbone,accuracy", *lines]) + "\n")
    found = run("--results", str(file), "--only", "--json")
    assert [row["backbone"] for row in json.loads(found.stdout)["recommendations"]] == names[::-1]
    assert "3 results of your own take part, and no others." in found.stderr
