"""What first-stage scores add to the blend: `python -m benchmarks.blend_models`.

Run after `dvc repro`. Five-fold cross-validation over the adders of the blend months, folds by
customer, so that the test month stays untouched. The first-stage models end before those months.
"""

import numpy as np

from src import params
from src.evaluation.metrics import average_precision
from src.models.ranker import Ranker, RankerSettings
from src.products import paths
from src.products.dataset import Dataset
from src.products.schema import Schema
from src.products.scoring import load_first_stage
from src.products.second_stage import find_adders
from src.ranking import top_k

FOLDS = 5
K = 7
SETS = [["als", "kmeans", "mlc"], ["kmeans", "mlc"], ["als"], ["kmeans"], ["mlc"], []]


def main() -> None:
    """Print a Markdown table."""
    dataset = Dataset.open(params.load("schema", Schema))
    settings = params.load("blend", RankerSettings)
    adders = find_adders(dataset)
    customers, additions = adders.customers, adders.additions
    first_stage = load_first_stage(paths.MODELS)
    scores = {name: model.score(customers) for name, model in first_stage.items()}
    ids, person = np.unique(customers.history.customers, return_inverse=True)
    fold = np.random.default_rng(settings.seed).integers(0, FOLDS, size=len(ids))[person]
    k = min(K, len(dataset.products))
    print(f"{len(customers):,} adders of {len(dataset.windows.blend)} months\n")
    print("| scores among the features | MAP@7 among adders | difference to none, ± 2 s.e. |")
    print("| --- | --: | --: |")
    results = {}
    for models in SETS[::-1]:
        precision = np.zeros(len(customers))
        for number in range(FOLDS):
            learn, test = fold != number, fold == number
            ranker = Ranker.fit(
                customers.of(learn),
                {name: scores[name][learn] for name in models},
                additions[learn],
                np.ones(learn.sum()),
                dataset.products,
                settings.model_copy(update={"models": models}),
            )
            others = customers.of(test)
            chances = ranker.score(others, {name: scores[name][test] for name in models})
            ranking = top_k(chances, k, others.history.holdings())
            precision[test] = average_precision(ranking, additions[test], K)
        results[", ".join(models) or "none"] = precision
        gain = precision - results["none"]
        error = 2 * gain.std() / np.sqrt(len(gain))
        print(
            f"| {', '.join(models) or 'none'} | {precision.mean():.4f} "
            f"| {gain.mean():+.4f} ± {error:.4f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
