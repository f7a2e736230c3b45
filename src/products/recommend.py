"""recommend: refit everything on all months and rank for the month after the last.

The served models, their lists, the reasons for the blend's products and the profiles of the last
month: what the service reads.
"""

import pyarrow as pa
from pydantic import Field

from src import params
from src.errors import run
from src.models.als import Als, AlsSettings
from src.models.customers import Model
from src.models.history import Ids
from src.models.kmeans import KMeans, KMeansSettings
from src.models.mlc import Mlc, MlcSettings
from src.models.ranker import RankerSettings
from src.models.shap import LeafShap
from src.products import paths
from src.products.dataset import Dataset
from src.products.explain import reasons_table
from src.products.offers import batches, recommendations
from src.products.schema import Schema
from src.products.scoring import BASE_MODELS, Models, fit_popularity, fit_ranker
from src.reporting import atomic, write_parquet


class Recommend(params.Section):
    """Parameters of the stage: length of a list, and whether to write Kaggle's submission form."""

    k: int = Field(ge=1)
    submission: bool


def refit(dataset: Dataset) -> Models:
    """Fit all models with the windows moved one month on, so that the test month is learnt too."""
    als = params.load("train_als", AlsSettings)
    kmeans = params.load("train_kmeans", KMeansSettings)
    mlc = params.load("train_mlc", MlcSettings)
    blend = params.load("blend", RankerSettings)
    base: dict[str, Model] = {
        "mlc": Mlc.fit(*dataset.sample(mlc.rows, mlc.seed), mlc),
        "kmeans": KMeans.fit(*dataset.sample(kmeans.rows, kmeans.seed), kmeans),
        "als": Als.fit(dataset.base_history(), als),
    }
    return Models(fit_popularity(dataset), base, fit_ranker(dataset, base, blend))


def write_submission(path: str, lists: pa.Table, customers: Ids, identity: str) -> None:
    """Write Kaggle's form: one row per customer, the products of the list separated by blanks."""
    joined = lists.to_pandas().groupby("customer", sort=True)["product"].agg(" ".join)
    joined = joined.reindex(customers, fill_value="")  # some hold everything
    frame = joined.rename_axis(identity).rename("added_products").reset_index()
    with atomic(path) as temporary:
        frame.to_csv(temporary, index=False)


def main() -> None:
    """Run the stage as params.yaml says."""
    settings = params.load("recommend", Recommend)
    schema = params.load("schema", Schema)
    dataset = Dataset.open(schema).rolled()
    models = refit(dataset)
    models.save(paths.SHIPPED)
    customers = dataset.customers(0)
    ids = customers.history.customers
    shap = LeafShap.of(models.ranker.booster)
    parts: dict[str, list[pa.Table]] = {name: [] for name in ("blend", *BASE_MODELS)}
    reasons = []
    for batch in batches(customers, "recommendations"):
        scores = models.score(batch)
        for name, lists in parts.items():
            lists.append(recommendations(batch, scores[name], dataset.products, settings.k))
        reasons.append(reasons_table(models.ranker, shap, batch, scores, settings.k))
    lists_of = {name: pa.concat_tables(lists) for name, lists in parts.items()}
    blend = lists_of.pop("blend")
    write_parquet(paths.RECOMMENDATIONS, blend)
    for name, base in lists_of.items():
        write_parquet(f"{paths.SHIPPED_LISTS}/{name}.parquet", base)
    write_parquet(paths.REASONS, pa.concat_tables(reasons))
    profiles = pa.Table.from_pandas(customers.profile, preserve_index=False)
    write_parquet(paths.PROFILES, profiles.add_column(0, "customer", pa.array(ids)))
    if settings.submission:
        write_submission(paths.SUBMISSION, blend, ids, schema.id)


if __name__ == "__main__":
    run(main)
