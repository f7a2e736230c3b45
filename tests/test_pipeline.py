"""dvc.yaml, params.yaml, the code and the catalogue of paths say the same. Nothing is run."""

import ast
import importlib
import re
import subprocess
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from dvc.utils.hydra import apply_overrides
from pydantic import BaseModel

from scripts.deps import (
    closure,
    file_of,
    has_code,
    imported,
    module_of,
    pipelines,
    tree,
    with_deps,
)
from src.backtest import paths as backtest_paths
from src.campaign import paths as campaign_paths
from src.card import paths as card_paths
from src.feedback import learn
from src.feedback import paths as feedback_paths
from src.feedback import settings as feedback_settings
from src.models.contract import FirstStage
from src.models.registry import FIRST_STAGE
from src.payments import paths as payments_paths
from src.products import paths
from src.products.scoring import model_files
from src.simulation import feedback as feedback_simulation
from src.simulation import payments as payments_simulation
from src.simulation import products as simulation

ROOT = Path(__file__).parent.parent
PIPELINES = pipelines()
ENGINE = "src/engine/__init__.py"

FOLDERS = {paths.MODELS, paths.TABLES, paths.PLOTS}  # of files, not written as a whole
OPTIONAL = {paths.SUBMISSION}  # only written where recommend.submission says so


@dataclass(frozen=True)
class Stage:
    """A stage as dvc.yaml has it, `${}` unresolved."""

    name: str
    file: Path
    content: dict[str, Any]

    @property
    def package(self) -> str:
        return "products" if self.file.parent == ROOT else self.file.parent.name

    @property
    def module(self) -> str:
        return module_of(self.package, self.name)

    @property
    def params_file(self) -> str:
        return str(self.file.with_name("params.yaml").relative_to(ROOT))

    @property
    def deps(self) -> list[str]:
        return list(self.content["deps"])

    @property
    def code(self) -> set[str]:
        return {dep for dep in self.deps if dep.endswith(".py")}

    @property
    def data(self) -> set[str]:
        """Deps other than code and tables that are part of the code."""
        return {dep for dep in self.deps if not dep.startswith("src/")}

    def written(self, *kinds: str) -> dict[str, dict[str, Any]]:
        """Path -> options of what the stage writes, of these kinds or of all."""
        result: dict[str, dict[str, Any]] = {}
        for kind in kinds or ("outs", "metrics", "plots"):
            for entry in self.content.get(kind, []):
                result |= entry if isinstance(entry, dict) else {entry: {}}
        return result

    @property
    def sections(self) -> list[tuple[str, str]]:
        """Params file and section of each entry."""
        found = []
        for entry in self.content["params"]:
            if isinstance(entry, str):
                found.append(("params.yaml", entry))
            else:
                found += [(file, key) for file, keys in entry.items() for key in keys]
        return found


def read(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return content


def stages_of(file: Path) -> list[Stage]:
    return [Stage(name, file, content) for name, content in read(file)["stages"].items()]


STAGES = [stage for file in PIPELINES for stage in stages_of(file)]
PRODUCTS = stages_of(ROOT / "dvc.yaml")
PAYMENTS = stages_of(ROOT / "pipelines/payments/dvc.yaml")
SIMULATE = PAYMENTS[0]  # its paths are constants of its own
CATALOGUES: dict[str, ModuleType] = {
    "payments": payments_paths,
    "campaign": campaign_paths,
    "card": card_paths,
    "feedback": feedback_paths,
}
CATALOGUED = [stage for stage in STAGES if stage.package in CATALOGUES and stage != SIMULATE]
TOUCHED_TOO = {"src.simulation.feedback": {feedback_simulation.BANK_TRUTH}}
TOLD_WHERE = {"src.payments.ingest", "src.feedback.export", "src.feedback.learn"}

each_stage = pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.module)
each_product_stage = pytest.mark.parametrize("stage", PRODUCTS, ids=lambda stage: stage.name)
each_pipeline = pytest.mark.parametrize(
    "file", PIPELINES, ids=lambda file: str(file.relative_to(ROOT))
)


@dataclass(frozen=True)
class Load:
    """A call of `params.load`."""

    section: str
    model: type[BaseModel]
    file: str = "params.yaml"


def loads(stage: Stage) -> list[Load]:
    """Sections that the stage and what it imports load."""
    return [load for file in closure(stage.module) for load in loads_in(file)]


@cache
def loads_in(file: str) -> list[Load]:
    """Sections that a file loads."""
    found: list[Load] = []
    if file == ENGINE:
        return found  # both engines write the same: no stage depends on which one it is
    for node in ast.walk(tree(file)):
        if not isinstance(node, ast.Call) or len(node.args) < 2:
            continue  # the load of a model takes one argument
        if ast.unparse(node.func) in {"params.load", "load"}:
            found += loads_of(file, *node.args)
    return found


def loads_of(file: str, section: ast.expr, model: ast.expr, *where: ast.expr) -> list[Load]:
    """What the arguments of a call mean: one section, or that of every first-stage model."""
    if (ast.unparse(section), ast.unparse(model)) == ("f'train_{name}'", "record.settings"):
        return [Load(f"train_{name}", record.settings) for name, record in FIRST_STAGE.items()]
    assert isinstance(section, ast.Constant), f"{file}: the section must be plain text"
    module = importlib.import_module(file.removesuffix(".py").replace("/", "."))
    names = [getattr(module, ast.unparse(name)) for name in (model, *where)]
    return [Load(str(section.value), *names)]


def touched(stage: Stage) -> set[str]:
    """Catalogue paths that the stage, or what it imports, names."""
    return {
        getattr(importlib.import_module(where), node.attr)
        for file in closure(stage.module)
        for where, alias in catalogues(file)
        for node in ast.walk(tree(file))
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == alias
    }


@cache
def catalogues(file: str) -> list[tuple[str, str]]:
    """Catalogues of paths that a file imports, and what it calls them."""
    return [
        (f"{node.module}.paths", alias.asname or "paths")
        for node in ast.walk(tree(file))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.name == "paths"
    ]


def of_record(record: FirstStage) -> set[str]:
    """What the stage of a first-stage model writes, by the model's record."""
    curve = {f"{paths.PLOTS}/{record.name}_curve.csv"} if record.curve else set()
    return {f"{paths.MODELS}/{record.file}", f"{paths.TABLES}/{record.offline_lists}", *curve}


def catalogue(module: ModuleType = paths) -> dict[str, str]:
    return {name: value for name, value in vars(module).items() if name.isupper()}


# dvc.yaml and the code


def test_import_closure_follows_functions_packages_and_records() -> None:
    assert "src/engine/duckdb.py" in closure("src.engine")  # imported inside a function
    assert closure("src.products.paths") == {"src/products/paths.py"}
    assert {"src/products/figures.py", "src/ranking.py"} <= closure("src.products.evaluate")
    models = {f"src/models/{name}.py" for name in FIRST_STAGE}  # collected, not named
    assert models <= closure("src.models.registry")


@each_stage
def test_command_is_the_module_of_the_same_name(stage: Stage) -> None:
    assert stage.content["cmd"] == f"python -m {stage.module}"
    assert file_of(stage.module)


@each_pipeline
def test_deps_are_the_import_closure(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    package = stages_of(file)[0].package
    assert with_deps(text, package) == text, "run 'make deps'"


@each_stage
def test_deps_name_nothing_twice(stage: Stage) -> None:
    assert len(stage.deps) == len(set(stage.deps))
    assert stage.code == closure(stage.module)


@each_stage
def test_stages_import_neither_each_other_nor_the_tools_around_them(stage: Stage) -> None:
    others = {file_of(other.module) for other in STAGES if other != stage}
    assert not others & closure(stage.module)
    roots = {name.split(".")[0] for file in closure(stage.module) for name in imported(file)}
    assert not roots & {"dvc", "dvclive", "dvc_s3", "mlflow"}


@each_stage
def test_stage_is_described(stage: Stage) -> None:
    desc = stage.content["desc"]
    assert desc
    assert desc[0].isupper()
    assert not desc.endswith(".")


@each_stage
def test_placeholders_stand_in_paths_only(stage: Stage) -> None:
    for key, value in stage.content.items():
        if key not in {"deps", "outs", "metrics", "plots"}:
            assert "${" not in str(value), f"{key} of {stage.module}"


@each_stage
def test_metrics_and_plots_are_in_git_and_nothing_persists(stage: Stage) -> None:
    in_git = stage.written("metrics", "plots")
    looks = {"template", "title", "x", "y", "x_label", "y_label"}
    kept = [{name for name in options if name not in looks} for options in in_git.values()]
    assert kept == [{"cache"}] * len(in_git)  # no persist
    assert not any(options["cache"] for options in in_git.values())
    assert all(path.startswith(("metrics/", "plots/")) for path in in_git)
    outs = stage.written("outs")
    tables = {path for path in outs if path.startswith("plots/")}  # behind figures, not drawn
    assert all(path.endswith(".csv") for path in tables)
    # What a clone has not made would fail its `dvc pull` and `dvc exp apply`, were it in a cache.
    optional = {"payments", "campaign", "backtest", "card", "feedback"}
    uncached = set(outs) if stage.package in optional else tables
    assert outs == {path: {"cache": False} if path in uncached else {} for path in outs}
    documents = {card_paths.CARD}
    assert all(path.startswith(("data/", "models/")) for path in set(outs) - tables - documents)


@each_pipeline
def test_nested_pipelines_work_from_the_root(file: Path) -> None:
    expected = None if file.parent == ROOT else "../.."
    assert {stage.content.get("wdir") for stage in stages_of(file)} == {expected}


@each_pipeline
def test_a_stage_reads_what_stands_to_its_left(file: Path) -> None:
    later = {path for stage in stages_of(file) for path in stage.written()}
    for stage in stages_of(file):
        assert not stage.data & later, f"{stage.name} reads what it or a later stage writes"
        later -= set(stage.written())


def test_every_path_is_written_by_one_stage() -> None:
    writers = Counter(path for stage in STAGES for path in stage.written())
    assert {path: count for path, count in writers.items() if count > 1} == {}


# dvc.yaml and the catalogue of paths


def test_catalogues_name_every_path_once() -> None:
    modules = (
        paths,
        payments_paths,
        backtest_paths,
        campaign_paths,
        card_paths,
        feedback_paths,
    )
    named = [path for module in modules for path in catalogue(module).values()]
    assert [path for path, count in Counter(named).items() if count > 1] == []


def test_outputs_are_the_catalogue() -> None:
    written = {path for stage in PRODUCTS for path in stage.written()}
    by_record = {path for record in FIRST_STAGE.values() for path in of_record(record)}
    assert written == (set(catalogue().values()) - FOLDERS - OPTIONAL) | by_record


@each_product_stage
def test_paths_of_a_stage_are_those_in_its_code(stage: Stage) -> None:
    declared = stage.data | set(stage.written())
    named = touched(stage) - OPTIONAL
    record = FIRST_STAGE.get(stage.name.removeprefix("train_"))
    if record:
        named |= of_record(record)
    elif paths.MODELS in named:  # read as a whole
        named |= {path for path in declared if path.startswith(f"{paths.MODELS}/")}
    assert declared - {"${ingest.path}"} == named - FOLDERS
    assert ("${ingest.path}" in declared) == (stage.name == "ingest")


@pytest.mark.parametrize("pipeline", CATALOGUES)
def test_outputs_of_a_pipeline_are_its_catalogue(pipeline: str) -> None:
    stages = [stage for stage in CATALOGUED if stage.package == pipeline]
    written = {path for stage in stages for path in stage.written()}
    named = set(catalogue(CATALOGUES[pipeline]).values())
    assert written == named - {campaign_paths.LISTS}  # which people write


@pytest.mark.parametrize("stage", CATALOGUED, ids=lambda stage: stage.module)
def test_paths_of_a_stage_of_it_are_those_in_its_code(stage: Stage) -> None:
    declared = stage.data | set(stage.written())
    named = touched(stage) | TOUCHED_TOO.get(stage.module, set())
    if paths.MODELS in named:  # read as a whole
        named |= {path for path in declared if path.startswith(f"{paths.MODELS}/")}
    asked_for = {"${ingest.path}", "${export.folder}"}  # a parameter says where
    assert declared - asked_for == named - FOLDERS
    assert bool(declared & asked_for) == (stage.module in TOLD_WHERE)


def test_feedback_is_the_simulated_one_unless_another_is_named() -> None:
    folder = read(ROOT / feedback_settings.PARAMS)["export"]["folder"]
    catalogued = {feedback_paths.LOG, feedback_paths.FEEDBACK, feedback_paths.TRUTH}
    assert {path for path in catalogued if Path(path).parent == Path(folder)} == catalogued
    assert Path(feedback_paths.TRUTH).name == learn.TRUTH


def test_judged_models_are_those_in_the_folder_that_evaluate_loads() -> None:
    judged = {f"{paths.MODELS}/{file}" for file in model_files().values()}
    evaluate = next(stage for stage in PRODUCTS if stage.name == "evaluate")
    assert judged <= evaluate.data


def test_outputs_of_the_simulation_are_constants_of_its_stage() -> None:
    (stage,) = stages_of(ROOT / "pipelines/simulation/dvc.yaml")
    assert set(stage.written()) == {str(simulation.SNAPSHOTS), str(simulation.TRUTH)}
    assert stage.params_file == simulation.PARAMS
    tables = {dep for dep in stage.deps if dep.startswith("src/") and not dep.endswith(".py")}
    assert tables == {"src/simulation/calibration"}
    assert read(ROOT / "params.yaml")["ingest"]["path"] == str(simulation.SNAPSHOTS)


def test_outputs_of_the_payments_simulation_are_constants_of_its_stage() -> None:
    own = payments_simulation
    assert SIMULATE.name == "simulate"
    assert set(SIMULATE.written()) == {str(own.TRANSACTIONS), str(own.TRUTH)}
    assert SIMULATE.params_file == own.PARAMS
    assert read(ROOT / own.PARAMS)["ingest"]["path"] == str(own.TRANSACTIONS)


def test_outputs_of_the_studies_are_what_a_report_writes() -> None:
    for stage in stages_of(ROOT / "pipelines/tuning/dvc.yaml"):
        assert set(stage.written()) == {
            f"metrics/tuning/{stage.name}.json",
            f"plots/tuning/{stage.name}/trials.csv",
            *(
                f"plots/tuning/{stage.name}/{figure}.png"
                for figure in ("history", "importances", "parallel", "slices")
            ),
        }


def test_outputs_of_the_backtest_are_its_catalogue() -> None:
    stages = stages_of(ROOT / "pipelines/backtest/dvc.yaml")
    written = {path for stage in stages for path in stage.written()}
    assert written == set(catalogue(backtest_paths).values())
    predict, evaluate = stages
    assert predict.data == {paths.CLEAN, paths.HISTORY, paths.WINDOWS}
    assert evaluate.data == {backtest_paths.ADDERS, backtest_paths.MONTHS}


# params.yaml


@each_stage
def test_params_are_the_sections_that_the_stage_loads(stage: Stage) -> None:
    assert len(stage.sections) == len(set(stage.sections))
    assert set(stage.sections) == {(load.file, load.section) for load in loads(stage)}
    also = {  # where a study begins; the schema, and the rules that the service has, too
        "tuning": {"params.yaml"},
        "campaign": {"params.yaml", "service.yaml"},
        "card": {"params.yaml"},
        "feedback": {"params.yaml"},
    }
    others = also.get(stage.package, set())
    if stage.module == "src.backtest.predict":
        others = {"params.yaml"}
    if stage.package == "tuning" and stage.name.startswith("payments_"):
        others = {payments_simulation.PARAMS}
    assert {file for file, _ in stage.sections} == {stage.params_file} | others


@each_pipeline
def test_every_section_is_used_and_there(file: Path) -> None:
    used = {
        section
        for stage in stages_of(file)
        for where, section in stage.sections
        if where == stage.params_file
    }
    assert used == set(read(file.with_name("params.yaml")))


@each_stage
def test_sections_are_valid_and_show_every_parameter(stage: Stage) -> None:
    for load in loads(stage):
        assert issubclass(load.model, BaseModel)
        section = read(ROOT / load.file)[load.section]
        load.model.model_validate(section)
        assert set(section) == set(load.model.model_fields), load.section
        assert load.model.model_config["extra"] == "forbid"
        assert load.model.model_config["frozen"]


# What stands beside the stages


def test_artifacts_are_outputs_with_a_description() -> None:
    content = read(ROOT / "dvc.yaml")
    outs = {path for stage in PRODUCTS for path in stage.written("outs")}
    assert content["artifacts"]
    for name, artifact in content["artifacts"].items():
        assert set(artifact) == {"path", "type", "desc"}, name
        path = Path(artifact["path"])
        assert {str(path), *map(str, path.parents)} & outs, name
        assert artifact["type"] == "model"
        assert artifact["desc"]


def test_plots_across_models_show_what_stages_write() -> None:
    plots = {path for stage in PRODUCTS for path in stage.written() if path.startswith("plots/")}
    for entry in read(ROOT / "dvc.yaml")["plots"]:
        for title, plot in entry.items():
            assert set(plot["y"]) <= plots, title


# The whole source


SOURCES = sorted(str(file.relative_to(ROOT)) for file in (ROOT / "src").rglob("*.py"))
PICKLERS = {"pickle", "cPickle", "joblib", "dill", "cloudpickle", "shelve", "marshal"}


SMALL = {
    "errors",
    "params",
    "reporting",
    "ranking",
    "drawing",
    "lists",
    "manifest",
    "parts",
    "fingerprint",
}  # files, not rooms
SHARED = SMALL | {"engine", "tables", "evaluation", "models"}
BELOW = SHARED | {"products", "payments"}
MAY_IMPORT = {  # room or part of one -> what it may import beside itself
    **dict.fromkeys(SMALL, SMALL),
    "engine": SMALL,
    "tables": SMALL | {"engine"},
    "evaluation": SMALL,
    "models": SMALL | {"evaluation", "tables.months"},
    **dict.fromkeys(("products", "payments"), SHARED),  # never each other
    "products.eda": SHARED | {"eda"},
    "backtest": SHARED | {"products"},
    "card": SHARED | {"products"},
    **dict.fromkeys(("campaign", "eda", "tuning"), BELOW),
    "simulation": BELOW | {"feedback.exposure", "feedback.paths"},
    "feedback": SHARED | {"products"},
    **dict.fromkeys(("feedback.exposure", "feedback.history"), SMALL),  # the service, experiments
    "experiment": SMALL | {"feedback"},
    "service": BELOW | {"campaign.paths", "experiment.assignment", "feedback.exposure"},
    "compare": BELOW | {"backtest.paths"},
    "log_mlflow": BELOW | {"compare"},
    "month": SHARED | {"products", "compare", "service.monitoring.drift_reference"},
}
WITHOUT_ENGINE = [
    *(file for file in SOURCES if file.startswith("src/models/")),
    *(f"src/products/{name}.py" for name in ("scoring", "repair", "windows", "schema")),
    *(f"src/payments/operations/{name}.py" for name in ("factors", "models", "recurring")),
]


def dotted(file: str) -> str:
    """The name of a file of src without it: ``engine.duckdb``, or ``engine`` of a package."""
    return file.removeprefix("src/").removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def within(name: str, rooms: Iterable[str]) -> bool:
    return any(name == room or name.startswith(f"{room}.") for room in rooms)


@pytest.mark.parametrize("file", [file for file in SOURCES if has_code(file)])
def test_rooms_import_only_rooms_below(file: str) -> None:
    own = dotted(file)
    room = max((room for room in MAY_IMPORT if within(own, [room])), key=len)
    allowed = MAY_IMPORT[room] | {own.partition(".")[0]}
    found = {file_of(name) for name in imported(file)}
    ours = {dotted(one) for one in found if one and has_code(one)}
    assert {name for name in ours if not within(name, allowed)} == set()


@pytest.mark.parametrize("file", [file for file in SOURCES if not file.startswith("src/engine/")])
def test_only_the_engine_room_knows_which_engine_runs(file: str) -> None:
    assert "duckdb" not in (ROOT / file).read_text(encoding="utf-8").lower()


@pytest.mark.parametrize("file", WITHOUT_ENGINE)
def test_what_the_service_scores_with_reaches_no_engine(file: str) -> None:
    reached = closure(f"src.{dotted(file)}")
    assert {name for name in reached if name.startswith("src/engine/")} == set()


@pytest.mark.parametrize("file", SOURCES)
def test_nothing_is_pickled(file: str) -> None:
    assert not {name.split(".")[0] for name in imported(file)} & PICKLERS
    for node in ast.walk(tree(file)):
        if isinstance(node, ast.Attribute):
            assert node.attr not in {"read_pickle", "to_pickle"}
        if not isinstance(node, ast.Call):
            continue
        options = {option.arg: ast.unparse(option.value) for option in node.keywords}
        assert options.get("allow_pickle", "False") == "False"
        if ast.unparse(node.func) in {"np.load", "numpy.load"}:
            assert "allow_pickle" in options


def tracked_files() -> list[Path]:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    files = [ROOT / name for name in listing.stdout.split("\0") if name]
    return [file for file in files if file.is_file()]


def test_no_file_names_a_package_registry() -> None:
    """Where packages come from is the machine's business (a mirror, a proxy), not the project's."""
    registry = re.compile(
        r"pypi\.(org|io|python)|python" + r"hosted|(?<![\w-])--(extra-)?index" + r"-url|"
        r"anaconda\.(org|com)|PIP_INDEX" + r"_URL|UV_(DEFAULT_)?INDEX"
    )
    named = {
        f"{file.relative_to(ROOT)}: {match[0]}"
        for file in tracked_files()
        if file != Path(__file__)
        for match in registry.finditer(file.read_text(encoding="utf-8", errors="ignore"))
    }
    assert named == set()


@pytest.mark.parametrize("name", ["", "-service", "-dev", "-spark"])
def test_every_requirement_is_pinned_with_its_hashes(name: str) -> None:
    pinned = re.compile(
        r"[a-z0-9-]+(\[[a-z0-9,-]+\])?==[0-9][\w.!+]*( ; .+)?( \\\n    --hash=sha256:[0-9a-f]{64})+"
    )
    text = (ROOT / f"requirements{name}.txt").read_text(encoding="utf-8").strip()
    entries = re.split(r"\n(?=\S)", text)
    assert entries
    assert [entry for entry in entries if not pinned.fullmatch(entry)] == []


def test_no_raw_data_are_in_git() -> None:
    raw = (".csv", ".gz", ".zip", ".parquet", ".pq")
    small = ("plots/", "metrics/", "src/simulation/calibration/")
    names = [str(file.relative_to(ROOT)) for file in tracked_files()]
    assert [name for name in names if name.endswith(raw) and not name.startswith(small)] == []


@pytest.mark.parametrize(
    ("file", "override"),
    [
        ("params.yaml", "train_als.factors=24"),
        ("pipelines/simulation/params.yaml", "products.months=17"),
        ("pipelines/tuning/params.yaml", "als.seed=7"),
        ("pipelines/payments/params.yaml", "simulate.seed=20250831"),
        ("pipelines/backtest/params.yaml", "predict.workers=2"),
        ("pipelines/campaign/params.yaml", "campaign.seed=7"),
        ("pipelines/card/params.yaml", "slices.seed=7"),
    ],
)
def test_an_experiment_changes_nothing_but_its_parameter(
    tmp_path: Path, file: str, override: str
) -> None:
    """`dvc exp run -S` writes the file anew: it must stand as DVC writes it."""
    copy = tmp_path / "params.yaml"
    copy.write_bytes((ROOT / file).read_bytes())
    apply_overrides(str(copy), [override])
    assert copy.read_text(encoding="utf-8") == (ROOT / file).read_text(encoding="utf-8")


def test_git_gives_the_same_bytes_everywhere(tmp_path: Path) -> None:
    """Windows clones with core.autocrlf would make every stage stale."""
    made = tmp_path / "made"
    made.mkdir()
    (made / ".gitattributes").write_bytes((ROOT / ".gitattributes").read_bytes())
    (made / "a.py").write_bytes(b"x = 1\ny = 2\n")
    (made / "b.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    who = ["-c", "user.name=test", "-c", "user.email=test@localhost"]
    for command in (["init", "--quiet"], ["add", "."], [*who, "commit", "--quiet", "-m", "x"]):
        subprocess.run(["git", *command], cwd=made, check=True)
    clone = ["git", "-c", "core.autocrlf=true", "clone", "--quiet", str(made), "copy"]
    subprocess.run(clone, cwd=tmp_path, check=True)
    for name in ("a.py", "b.png"):
        assert (tmp_path / "copy" / name).read_bytes() == (made / name).read_bytes()
