"""Models of repetition: logistic regression and a neural network on weights of evidence; boosting.

They learn from all repetitions and a share of the other operations. With that, the odds are too
high by a constant factor, which is put right in every chance: ``odds = odds of the sample * share
drawn`` (prior correction: King and Zeng 2001, Logistic Regression in Rare Events Data).
"""

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import compress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from catboost import CatBoostClassifier, Pool
from numpy.typing import NDArray
from pydantic import Field
from scipy.special import expit
from threadpoolctl import threadpool_limits

from src.errors import InputError
from src.models import boosting
from src.models.boosting import BoosterSettings
from src.models.contract import CannotFitError
from src.params import Section
from src.payments.operations import woe
from src.payments.operations.factors import FACTORS
from src.payments.operations.woe import Bins
from src.payments.schema import PARAMS
from src.reporting import write_arrays, write_exact

Columns = Mapping[str, NDArray[np.float32]]
Floats = NDArray[np.float64]

MODELS = ("logistic", "network", "booster")

_STEPS = 1_000  # of the regression's solver; it needs far fewer
_BATCH = 2_000


class Binning(Section):
    """How factors are binned; factors that tell less than `least_information` are left out."""

    most: int = Field(ge=2, le=100)
    least_share: float = Field(gt=0, lt=0.5)
    least_information: float = Field(ge=0)


class LogisticSettings(Section):
    """Inverse strength of the ridge penalty."""

    c: float = Field(gt=0)


class NetworkSettings(Section):
    """One hidden layer of rectified linear units, trained by Adam."""

    units: int = Field(ge=1, le=1024)
    epochs: int = Field(ge=1)
    learning_rate: float = Field(gt=0, le=1)
    l2: float = Field(ge=0)
    seed: int = Field(ge=0)


class TrainOperations(Section):
    """Parameters of the stage."""

    binning: Binning
    logistic: LogisticSettings
    network: NetworkSettings
    booster: BoosterSettings


@dataclass(frozen=True)
class Logistic:
    """A regression on weights of evidence.

    Attributes
    ----------
    intercept : float
    coefficients : dict of factor -> float
        All above 0: more evidence never lowers a chance.
    """

    intercept: float
    coefficients: dict[str, float]

    def log_odds(self, evidence: dict[str, Floats]) -> Floats:
        """Logarithm of the odds, shape (observations,)."""
        parts = [evidence[name] * value for name, value in self.coefficients.items()]
        return np.asarray(self.intercept + np.sum(parts, axis=0))


@dataclass(frozen=True)
class Network:
    """A network on weights of evidence: what goes in, by name, and its layers.

    Attributes
    ----------
    factors : list of str
    hidden, hidden_bias : float array, shapes (factors, units) and (units,)
    output, output_bias : float array, shapes (units,) and (1,)
    """

    factors: list[str]
    hidden: Floats
    hidden_bias: Floats
    output: Floats
    output_bias: Floats

    def log_odds(self, evidence: dict[str, Floats]) -> Floats:
        """Logarithm of the odds, shape (observations,)."""
        inputs = np.column_stack([evidence[name] for name in self.factors])
        return np.maximum(inputs @ self.hidden + self.hidden_bias, 0) @ self.output + (
            self.output_bias
        )


@dataclass(frozen=True)
class OperationModels:
    """The models of repetition, and the bins that two of them read.

    Attributes
    ----------
    dictionary : list of Bins
    logistic : Logistic
    network : Network
    booster : CatBoostClassifier
    correction : float
        What is added to every logarithm of odds, for the operations that were not drawn.
    """

    dictionary: list[Bins]
    logistic: Logistic
    network: Network
    booster: CatBoostClassifier
    correction: float

    def evidence(self, columns: Columns) -> dict[str, Floats]:
        """Weight of evidence of each factor."""
        return {bins.name: bins.weigh(columns[bins.name]) for bins in self.dictionary}

    def score(self, columns: Columns) -> dict[str, Floats]:
        """Chance of a repetition by each model.

        Parameters
        ----------
        columns : mapping of factor -> float32 array, shape (observations,)

        Returns
        -------
        dict of model -> float array, shape (observations,)
        """
        evidence = self.evidence(columns)
        with threadpool_limits(limits=1, user_api="blas"):
            return {model: self.chance(model, columns, evidence) for model in MODELS}

    def chance(self, model: str, columns: Columns, evidence: dict[str, Floats]) -> Floats:
        """Chance of a repetition by one model, which may not need the evidence."""
        if model == "booster":
            log_odds = boosting.predict(self.booster, matrix(columns), "RawFormulaVal")
        else:
            weighing = self.logistic if model == "logistic" else self.network
            log_odds = weighing.log_odds(evidence)
        return np.asarray(expit(log_odds + self.correction))

    def save(self, folder: str | Path) -> None:
        """Write the files of the models into a folder."""
        folder = Path(folder)
        woe.save(folder / "woe.json", self.dictionary)
        write_exact(
            folder / "logistic.json",
            {
                "intercept": self.logistic.intercept,
                "coefficients": self.logistic.coefficients,
                "correction": self.correction,
            },
        )
        write_arrays(
            folder / "network.npz",
            factors=np.array(self.network.factors),
            hidden=self.network.hidden,
            hidden_bias=self.network.hidden_bias,
            output=self.network.output,
            output_bias=self.network.output_bias,
        )
        names = [factor.name for factor in FACTORS]
        boosting.save_booster(folder / "booster.cbm", self.booster, {"factors": names})

    @classmethod
    def load(cls, folder: str | Path) -> "OperationModels":
        """Read what `save` wrote."""
        folder = Path(folder)
        written = json.loads((folder / "logistic.json").read_text(encoding="utf-8"))
        with np.load(folder / "network.npz", allow_pickle=False) as arrays:
            layers: dict[str, Any] = {name: arrays[name] for name in arrays.files}
        factors = layers.pop("factors").tolist()
        booster, _ = boosting.load_booster(folder / "booster.cbm")
        return cls(
            woe.load(folder / "woe.json"),
            Logistic(written["intercept"], written["coefficients"]),
            Network(factors, **layers),
            booster,
            written["correction"],
        )


def matrix(columns: Columns) -> NDArray[np.float32]:
    """All factors, in their order; (observations, factors)."""
    return np.column_stack([columns[factor.name] for factor in FACTORS])


def fit(
    columns: Columns, event: NDArray[np.bool_], drawn: float, settings: TrainOperations
) -> OperationModels:
    """Fit all models.

    Parameters
    ----------
    columns : mapping of factor -> float32 array, shape (observations,)
    event : bool array, shape (observations,)
        Whether the operation was repeated.
    drawn : float
        Share of the operations without a repetition that are among the observations.
    settings : TrainOperations

    Raises
    ------
    CannotFitError
        There is nothing to learn from.
    """
    if not 0 < event.sum() < len(event):
        raise CannotFitError(f"of {len(event):,} operations {event.sum():,} are repeated")
    binning = settings.binning
    dictionary = [
        woe.fit_bins(
            factor.name,
            columns[factor.name],
            event,
            most=binning.most,
            least_share=binning.least_share,
            category=factor.category,
        )
        for factor in FACTORS
    ]
    most = max(bins.iv for bins in dictionary)
    if most < binning.least_information:
        raise CannotFitError(f"no factor has an information value above {most:.4g}")
    dictionary = [bins for bins in dictionary if bins.iv >= binning.least_information]
    evidence = {bins.name: bins.weigh(columns[bins.name]) for bins in dictionary}
    with threadpool_limits(limits=1, user_api="blas"):  # sums that depend on no number of threads
        logistic = fit_logistic(evidence, event, settings.logistic)
        network = fit_network(evidence, event, settings.network)
    own = settings.booster
    booster = boosting.new_booster("Logloss", own)
    rows = np.arange(len(event))
    if len(rows) > own.rows:
        rows = np.sort(np.random.default_rng(own.seed).choice(rows, own.rows, replace=False))
    boosting.fit_booster(booster, Pool(matrix(columns)[rows], event[rows].astype(np.int8)))
    return OperationModels(dictionary, logistic, network, booster, float(np.log(drawn)))


def fit_rows(rows: pa.Table, drawn: float, settings: TrainOperations) -> OperationModels:
    """Fit all models on observations as `observations.observe` gives them.

    Raises
    ------
    InputError
        There is nothing to learn from.
    """
    columns = {factor.name: rows[factor.name].to_numpy() for factor in FACTORS}
    try:
        return fit(columns, rows["repeated"].to_numpy(), drawn, settings)
    except CannotFitError as error:
        raise InputError(
            f"train_operations: {error}: take more cut-offs or clients with observe in {PARAMS}"
        ) from None


def fit_logistic(
    evidence: dict[str, Floats], event: NDArray[np.bool_], settings: LogisticSettings
) -> Logistic:
    """Fit the regression; factors whose coefficient is not above 0 are left out, until all are.

    A coefficient below 0 would turn a factor's evidence round, which happens where factors say
    nearly the same, and which nobody can read.
    """
    # Seconds to import, and only needed to learn: the service starts without.
    from sklearn.linear_model import LogisticRegression

    names = list(evidence)
    while True:
        inputs = np.column_stack([evidence[name] for name in names])
        model = LogisticRegression(C=settings.c, max_iter=_STEPS).fit(inputs, event)
        (found,) = model.coef_
        kept = found > 0
        kept[found.argmax()] = True
        if kept.all():
            coefficients = dict(zip(names, found.tolist(), strict=True))
            return Logistic(float(model.intercept_[0]), coefficients)
        names = list(compress(names, kept))


def fit_network(
    evidence: dict[str, Floats], event: NDArray[np.bool_], settings: NetworkSettings
) -> Network:
    """Fit the network by a fixed number of epochs."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    inputs = np.column_stack(list(evidence.values()))
    model = MLPClassifier(
        (settings.units,),
        alpha=settings.l2,
        batch_size=min(_BATCH, len(inputs)),
        learning_rate_init=settings.learning_rate,
        max_iter=settings.epochs,
        n_iter_no_change=settings.epochs,
        random_state=settings.seed,
    )
    with warnings.catch_warnings():  # it is meant to stop before it has converged
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(inputs, event)
    (hidden, output), (hidden_bias, output_bias) = model.coefs_, model.intercepts_
    return Network(list(evidence), hidden, hidden_bias, output[:, 0], output_bias)
