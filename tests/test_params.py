from pathlib import Path

import pytest
from pydantic import Field

from src import params
from src.errors import InputError
from src.products.ingest import Ingest
from src.products.repair import Clean


class Stage(params.Section):
    rounds: int = Field(ge=1, le=10)
    path: str = "a.csv"


def write(text: str) -> None:
    Path("params.yaml").write_text(text, encoding="utf-8")


@pytest.mark.usefixtures("workspace")
def test_load_reads_one_section() -> None:
    write("stage: {rounds: 3}\nother: {anything: 1}\n")
    assert params.load("stage", Stage) == Stage(rounds=3, path="a.csv")


@pytest.mark.usefixtures("workspace")
@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "stage: {rounds: 11}",
            "params.yaml: 'stage.rounds' is 11: Input should be less than or equal to 10",
        ),
        (
            "stage: {rouds: 3, rounds: 3}",
            "params.yaml: unknown parameter 'stage.rouds' (did you mean 'rounds'?)",
        ),
        (
            "stage: {zzz: 3, rounds: 3}",
            "params.yaml: unknown parameter 'stage.zzz' (known are rounds, path)",
        ),
        ("stage: {path: b.csv}", "params.yaml: parameter 'stage.rounds' is missing"),
        (
            "stage: {rouds: 3}",
            "params.yaml: parameter 'stage.rounds' is missing; "
            "unknown parameter 'stage.rouds' (did you mean 'rounds'?)",
        ),
        ("other: {}", "params.yaml has no section 'stage'"),
        ("", "params.yaml has no section 'stage'"),
    ],
)
def test_load_names_file_key_and_value(text: str, sentence: str) -> None:
    write(text)
    with pytest.raises(InputError) as caught:
        params.load("stage", Stage)
    assert str(caught.value) == sentence


@pytest.mark.usefixtures("workspace")
def test_load_says_where_to_run_when_the_file_is_missing() -> None:
    with pytest.raises(InputError, match=r"params\.yaml is missing: run from the root"):
        params.load("stage", Stage)


@pytest.mark.usefixtures("workspace")
def test_load_says_where_yaml_breaks() -> None:
    write("stage: {rounds: 3")
    with pytest.raises(InputError, match=r"params\.yaml is not valid YAML(.|\n)*line 1"):
        params.load("stage", Stage)


@pytest.mark.usefixtures("workspace")
@pytest.mark.parametrize(
    ("text", "model", "sentence"),
    [
        (
            "stage: {path: a, max_rejected_share: 1}",
            Ingest,
            "'stage.max_rejected_share' is 1: Input should be less than 1",
        ),
        (
            "stage: {age_min: 50, age_max: 50}",
            Clean,
            r"age_min \(50\) must lie below age_max \(50\)",
        ),
        ("stage: {age_min: 2, age_max: 131}", Clean, "'stage.age_max' is 131"),
    ],
)
def test_ranges_of_ingest_and_clean(text: str, model: type[params.Section], sentence: str) -> None:
    write(text)
    with pytest.raises(InputError, match=sentence):
        params.load("stage", model)


def test_sections_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Stage(rounds=3).rounds = 4  # type: ignore[misc]
