import json
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
def run(monkeypatch):
    monkeypatch.setattr("archimeter.analysis.recommend.load_evidence", made_evidence)
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
    assert document["nearest"][0]["reasons"] == ["same domain: remote-sensing"]
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
        (["--max-params", "1M"], "the smallest of the 2 with results is resnet18.a1_in1k with 11.69 M"),
        (["--max-params", "many"], "'many' is not a count"),
        (["--domain", "space"], "Unknown domain 'space'"),
        (["--within", "5 ms"], "'5 ms' is no latency budget"),
    ],
)
def test_a_bad_question_is_one_clear_message(run, arguments, message):
    found = run(*arguments)
    assert isinstance(found.exception, InputError)  # main() prints it and exits with 1
    assert message in str(found.exception)


def test_an_answer_needs_neither_torch_nor_plotly_nor_pandas_nor_scipy():
    script = (
        "import sys, archimeter.cli, pyarrow.parquet\n"
        "from archimeter import Query, recommend\n"
        "from archimeter.analysis.evidence import Evidence\n"
        "row = dict(study='s', dataset='d', backbone='resnet50', weights=None, match='architecture',\n"
        "           recipe='fine-tune', error=0.1, metric='top1', status='ok')\n"
        "assert recommend(Query(), Evidence.of(observations=[row])).rows\n"
        "print({'torch', 'timm', 'plotly', 'pandas', 'scipy', 'statsmodels'} & set(sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
