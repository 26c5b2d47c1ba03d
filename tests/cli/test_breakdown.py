"""`profile --by`: a tree for people, rows for programs, one bad target costs only itself."""

from __future__ import annotations

import json

from typer.testing import CliRunner

from archimeter.cli import app
from archimeter.cli.breakdown import drawn


def run(*arguments: str):
    return CliRunner().invoke(app, ["profile", *arguments])


def test_the_tree_is_drawn_with_lines():
    levels = [("", 0), ("a", 1), ("a.x", 2), ("a.y", 2), ("b", 1), ("b.z", 2)]
    rows = [{"path": path, "depth": depth, "backbone": "net"} for path, depth in levels]
    assert [row["tree"] for row in drawn(rows)] == [
        "net",
        "├─ a",
        "│  ├─ x",
        "│  └─ y",
        "└─ b",
        "   └─ z",
    ]


def test_a_tree_of_several_backbones():
    rows = [{"path": path, "depth": len(path), "backbone": "net"} for path in ("", "a", "", "a")]
    assert [row["tree"] for row in drawn(rows)] == ["net", "└─ a", "net", "└─ a"]


def test_by_module_prints_two_levels():
    done = run("resnet18", "--by", "module")
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert any(line.startswith("├─ conv1") and "118 M" in line for line in lines)
    assert any(line.startswith("│  ├─ 0") for line in lines)
    assert not any("conv2" in line for line in lines)


def test_by_kind_and_json():
    done = run("vit_tiny_patch16_224", "--by", "kind", "--json")
    rows = json.loads(done.stdout)
    assert [row["path"] for row in rows] == ["linear", "product", "convolution", "element-wise"]
    whole = json.loads(run("resnet18", "--by", "module", "--depth", "0", "--json").stdout)
    assert [(row["backbone"], row["macs"], row["params"]) for row in whole] == [
        ("resnet18", 1_814_073_344, 11_689_512)
    ]


def test_a_bad_target_costs_only_itself():
    done = run("resnet18", "resnet5O", "--by", "module", "--depth", "0")
    assert done.exit_code == 3
    assert "resnet18" in done.stdout
    assert "failed: Unknown" in done.stderr
    assert "Did you mean" in done.stderr


def test_a_page_of_one_tree(tmp_path):
    page = tmp_path / "tree.html"
    assert run("resnet18", "--by", "module", "-o", str(page)).exit_code == 0
    text = page.read_text(encoding="utf-8")
    assert "resnet18" in text
    assert "layer4" in text
    refused = run("resnet18", "resnet34", "--by", "module", "-o", str(page))
    assert "A page shows the module tree of one backbone" in str(refused.exception)
