import json

import plotly.offline
import pytest

from archimeter.data.errors import InputError
from archimeter.reports import assets


def test_the_vendored_plotly_is_the_one_that_python_s_plotly_speaks_to():
    about = assets.vendored()["plotly-cartesian.min.js"]
    assert about["version"] == plotly.offline.get_plotlyjs_version()
    assert f"v{about['version']}" in assets.asset("plotly-cartesian.min.js")[:200]


def test_the_noted_version_of_datatables_is_the_one_in_the_file():
    about = assets.vendored()["dataTables.min.js"]
    assert f"DataTables {about['version']}" in assets.asset("dataTables.min.js")[:60]


def test_every_vendored_file_has_its_licence_beside_it():
    for about in assets.vendored().values():
        text = (assets.ASSETS / f"{about['npm']}.LICENSE.txt").read_text(encoding="utf-8")
        assert "MIT" in text
        assert "Permission is hereby granted" in text


def test_nothing_lies_among_the_assets_that_is_not_listed():
    listed = {"VENDORED.json", *assets.vendored()}
    listed |= {f"{about['npm']}.LICENSE.txt" for about in assets.vendored().values()}
    assert {path.name for path in assets.ASSETS.iterdir()} == listed


def test_a_part_that_would_end_its_element_early_is_refused(tmp_path, monkeypatch):
    (tmp_path / "bad.js").write_text("let x = '</SCRIPT>';", encoding="utf-8")
    monkeypatch.setattr(assets, "ASSETS", tmp_path)
    with pytest.raises(InputError, match="holds '</script'"):
        assets.asset("bad.js")


def test_a_missing_part_is_one_clear_message(tmp_path, monkeypatch):
    monkeypatch.setattr(assets, "ASSETS", tmp_path)
    with pytest.raises(InputError, match=r"gone\.js cannot be read.*Reinstall archimeter"):
        assets.asset("gone.js")


def test_the_policy_allows_scripts_by_hash_only_and_no_network():
    policy = assets.content_security_policy(["alert(1)"])
    assert policy.startswith("default-src 'none';")
    # the hash of alert(1), from `printf 'alert(1)' | openssl dgst -sha256 -binary | base64`
    assert "script-src 'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='" in policy
    assert "connect-src" not in policy
    assert "unsafe-inline" not in policy.split("style-src")[0]


def test_the_list_of_parts_is_plain_json():
    assert json.loads((assets.ASSETS / "VENDORED.json").read_text(encoding="utf-8")) == assets.vendored()
