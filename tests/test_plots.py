"""The page that `dvc plots show` opens."""

import json
import re
from pathlib import Path

import pytest
import yaml

from src.products import paths
from tests.clones import Clone


@pytest.mark.repro
def test_one_page_shows_everything_once(first: Clone) -> None:
    output = first.run("dvc", "plots", "show")
    page = first.folder / "dvc_plots/index.html"
    assert page.as_uri() in output
    html = page.read_text(encoding="utf-8")

    images = re.findall(r'<img src="(.+?)"', html)
    assert all((page.parent / image).is_file() for image in images)
    figures = sorted(path for name, path in vars(paths).items() if name.endswith("_PNG"))
    shown = [Path(image).name.removeprefix("workspace_") for image in images]
    assert shown == [figure.replace("/", "_") for figure in figures]  # those of eda come first

    specs = [json.loads(spec) for spec in re.findall(r"var spec = (\{.*\});", html)]
    declared = yaml.safe_load((first.folder / "dvc.yaml").read_text(encoding="utf-8"))["plots"]
    titles = [spec["title"]["text"] for spec in specs if "title" in spec]
    assert titles == [title for entry in declared for title in entry]  # no table beside them
    by_model = next(spec for spec in specs if spec["title"]["text"] == "MAP@k among adders")
    assert by_model["encoding"]["color"]["field"] == "model"
    assert {row["model"] for row in by_model["data"]["values"]} > {"popularity", "blend"}
