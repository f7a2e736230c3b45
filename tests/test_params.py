from pathlib import Path

import pytest
from dvc.utils.serialize import parse_yaml
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
            "stage: {path: a, max_rejected_share: 1, min_stay_share: 0}",
            Ingest,
            "'stage.max_rejected_share' is 1: Input should be less than 1",
        ),
        (
            "stage: {ranges: {age: {least: 50, most: 50}}}",
            Clean,
            r"least \(50\) must lie below most \(50\)",
        ),
        (
            "stage: {ranges: {age: {least: 2}}}",
            Clean,
            "parameter 'stage.ranges.age.most' is missing",
        ),
    ],
)
def test_ranges_of_ingest_and_clean(text: str, model: type[params.Section], sentence: str) -> None:
    write(text)
    with pytest.raises(InputError, match=sentence):
        params.load("stage", model)


def test_sections_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Stage(rounds=3).rounds = 4  # type: ignore[misc]


@pytest.mark.usefixtures("workspace")
@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("stage: {rounds: 3}\nsplit: {base: [2015-01-28, auto]}\n", "split.base.0", "2015-01-28"),
        ("stage:\n  rounds: 3\n  path: 2016-05-28\n", "stage.path", "2016-05-28"),
    ],
)
def test_a_date_without_quotes_would_stop_dvc(text: str, key: str, value: str) -> None:
    write(text)
    sentence = f"'{key}' is a date, and DVC reads no dates; quote it, as in \"{value}\""
    with pytest.raises(InputError, match=sentence):
        params.load("stage", Stage)


@pytest.mark.parametrize(
    ("text", "value"),
    [("010", 10), ("on", "on"), ("No", "No"), ("yes", "yes"), ("1E5", 1e5), ("'101'", "101")],
)
def test_yaml_means_what_it_means_to_dvc(text: str, value: object) -> None:
    assert params.read_yaml(f"a: {text}") == {"a": value}
    assert parse_yaml(f"a: {text}", "params.yaml") == {"a": value}


class Named(params.Section):
    names: dict[str, int]


@pytest.mark.usefixtures("workspace")
def test_names_that_yaml_takes_for_numbers_are_to_be_quoted() -> None:
    write("stage: {names: {101: 1}}")
    with pytest.raises(InputError, match="is 101, but should be text: quote it"):
        params.load("stage", Named)


@pytest.mark.usefixtures("workspace")
def test_a_wrong_value_is_shown_in_a_line() -> None:
    write("stage: {rounds: {" + ", ".join(f"k{number}: 1" for number in range(500)) + "}}")
    with pytest.raises(InputError) as caught:
        params.load("stage", Stage)
    assert len(str(caught.value)) < 250
