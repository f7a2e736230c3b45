from src.log_mlflow.parts import Part, parts, payments_parts
from src.payments import paths as payments_paths
from src.payments.schema import PARAMS
from src.products import paths

ALS, KMEANS, MLC = (f"models/products/{name}" for name in ("als.npz", "kmeans.npz", "mlc.cbm"))
MLC_CURVE = "plots/products/mlc_curve.csv"


def stage(params: dict[str, object], *outs: str) -> dict[str, object]:
    schema = {"id": "ncodpers"}
    return {
        "params": {"params.yaml": {"schema": schema, **params}},
        "outs": [{"path": path} for path in outs],
    }


def test_parts_of_a_revision() -> None:
    stages = {
        "ingest": stage({"ingest": {"path": "raw.csv"}}, paths.SNAPSHOTS, paths.QUALITY),
        "clean": stage({"clean": {"age_max": 100}}, paths.CLEAN, paths.REPAIRS),
        "split": stage({"split": {"base": "auto"}}, paths.HISTORY),
        "eda": stage({}, "plots/eda/age.png"),
        "train_mlc": stage({"train_mlc": {"depth": 5}}, MLC, MLC_CURVE),
        "train_kmeans": stage({"train_kmeans": {"clusters": 60}}, KMEANS),
        "train_als": stage({"train_als": {"factors": 8}}, ALS),
        "blend": stage({"blend": {"lags": [1, 2]}}, paths.RANKER, paths.IMPORTANCES),
        "evaluate": stage({"evaluate": {"seed": 7}}, paths.METRICS, paths.COMPARISON_PNG),
    }
    models = ("mlc", "kmeans", "als", "blend")
    reports = {
        paths.QUALITY: {"rows": 10, "first_month": "2015-01-28", "missing": {"age": 1}},
        paths.REPAIRS: {"rows": 10},
        paths.METRICS: {
            "test": {"month": "2016-05-28", "map@7_max": 0.03},
            **{name: {"map@7": index / 100} for index, name in enumerate(models)},
            "slices": {
                "segment 02 - PARTICULARES": {"customers": 9, "als": {"map@7": 0.5}},
                "cold_start": {"customers": 1},
            },
        },
    }
    shared = [paths.METRICS, paths.COMPARISON_PNG, paths.MAP_AT_K_PNG]
    eda, mlc, kmeans, als, blend = parts(stages, reports)
    assert eda == Part(
        name="EDA",
        stages=["ingest", "clean", "split", "eda"],
        params={"ingest.path": "raw.csv", "clean.age_max": 100, "split.base": "auto"},
        metrics={"quality.rows": 10, "quality.missing.age": 1, "repairs.rows": 10},
        files=[paths.QUALITY, paths.REPAIRS, "plots/eda/age.png", paths.ADDITIONS_PNG],
    )
    assert mlc == Part(
        name="MLC_processing",
        stages=["train_mlc"],
        params={"train_mlc.depth": 5},
        metrics={"map_at_7": 0.0, "test.map_at_7_max": 0.03},
        files=sorted([*shared, MLC_CURVE]),
        model="mlc",
    )
    assert (kmeans.name, kmeans.params) == ("KMEANS_processing", {"train_kmeans.clusters": 60})
    assert als.metrics == {
        "map_at_7": 0.02,
        "test.map_at_7_max": 0.03,
        "slices.segment 02 - PARTICULARES.map_at_7": 0.5,
    }
    assert blend.params == {"blend.lags": [1, 2], "evaluate.seed": 7}
    assert blend.files == sorted([*shared, paths.IMPORTANCES])
    assert (blend.name, blend.model) == ("BLEND_processing", "blend")


def test_parts_of_the_payments_pipeline() -> None:
    def payments_stage(params: dict[str, object], *outs: str) -> dict[str, object]:
        deps = [{"path": "raw.csv", "md5": "1234"}, {"path": "src/a.py", "md5": "5678"}]
        return {
            "params": {PARAMS: {"schema": {"id": "client_id"}, **params}},
            "outs": [{"path": path} for path in outs],
            "deps": deps,
        }

    metrics, eda, gini = payments_paths.METRICS, payments_paths.EDA_GAPS_PNG, "plots/gini.png"
    stages = {
        "ingest": payments_stage({"ingest": {"path": "raw.csv"}}, payments_paths.QUALITY),
        "clean": payments_stage({"clean": {"last_day": "auto"}}, payments_paths.REPAIRS),
        "eda": payments_stage({}, eda),
        "observe": payments_stage({"observe": {"horizon_days": 1}}, "data/observations"),
        "train_operations": payments_stage({}, payments_paths.OPERATION_MODELS),
        "evaluate": payments_stage({"evaluate": {"seed": 7}}, metrics, gini),
        "examples": payments_stage({"examples": {"k": 10}}, payments_paths.EXAMPLES),
        "recommend": payments_stage({}, payments_paths.DUE),
    }
    reports = {
        payments_paths.QUALITY: {"rows": 5, "first_day": "2025-01-01"},
        payments_paths.REPAIRS: {"rows": 4},
        metrics: {
            "operations": {"models": {"booster": {"gini": 0.7, "hit_rate@4": 0.9}}},
            "examples": {"models": {"als": {"map@10": 0.1, "against_popularity": "better"}}},
        },
    }
    tags = {"data_md5": "1234"}
    assert payments_parts(stages, reports) == [
        Part(
            name="PAYMENTS_EDA",
            stages=["ingest", "clean", "eda"],
            params={"ingest.path": "raw.csv", "clean.last_day": "auto"},
            metrics={"quality.rows": 5, "repairs.rows": 4},
            files=[metrics, eda],
            tags=tags,
        ),
        Part(
            name="PAYMENTS_operations",
            stages=["observe", "train_operations", "evaluate"],
            params={"observe.horizon_days": 1, "evaluate.seed": 7},
            metrics={"models.booster.gini": 0.7, "models.booster.hit_rate_at_4": 0.9},
            files=[metrics, gini],
            tags=tags,
        ),
        Part(
            name="PAYMENTS_examples",
            stages=["examples"],
            params={"examples.k": 10},
            metrics={"models.als.map_at_10": 0.1},
            files=[metrics, payments_paths.EXAMPLES],
            tags=tags,
        ),
    ]
    assert payments_parts({}, reports) == []
