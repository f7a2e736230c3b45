"""A window of time: what was known on its first day, its candidates, and what came true."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from src.errors import InputError
from src.params import Section
from src.payments.calendar import date_of
from src.payments.payments import Payments
from src.payments.providers.candidates import Candidates, candidates
from src.payments.providers.features import Description
from src.payments.providers.known import Known, Targets, first_payments, masked
from src.payments.providers.models import ModelSettings, fit_models
from src.payments.providers.ranking import Ranking
from src.payments.providers.regions import Regions, RegionSettings, regions_of
from src.payments.providers.second_stage import SecondStageSettings
from src.payments.schema import PARAMS


class ExampleSettings(Section):
    """What is offered, for how long, and how it is measured.

    `horizon_days` is the length of a window. Providers in `never_offered` are recommended to
    nobody. Lists have `k` providers. `compared` models are measured, among them those of the second
    stage. `origins` windows are measured, the last one on the cut-off
    day. `masked_share` of the pairs is hidden to validate by random masking.
    """

    horizon_days: int = Field(ge=1)
    never_offered: list[str]
    compared: list[str]
    k: int = Field(ge=10, le=100)
    origins: int = Field(ge=1)
    masked_share: float = Field(gt=0, lt=1)
    resamples: int = Field(ge=100)
    seed: int = Field(ge=0)
    models: ModelSettings
    second_stage: SecondStageSettings
    regions: RegionSettings


@dataclass(frozen=True)
class Window:
    """What was known on a cut-off day, the candidates then, and what came true.

    Attributes
    ----------
    known : Known
    regions : Regions, optional
        None if payments have no regions.
    targets : Targets
    candidates : Candidates
        For the clients with targets.
    """

    known: Known
    regions: Regions | None
    targets: Targets
    candidates: Candidates

    def paid(self) -> NDArray[np.bool_]:
        """Candidates that came true; (pairs,)."""
        providers = self.known.shape[1]
        reachable = self.targets.provider >= 0
        keys = self.targets.client[reachable] * providers + self.targets.provider[reachable]
        return np.isin(self.candidates.client * providers + self.candidates.provider, keys)

    def impossible(self, settings: RegionSettings) -> NDArray[np.bool_]:
        """Candidates that the regional filter leaves out; (pairs,)."""
        if self.regions is None:
            return np.zeros(len(self.candidates), dtype=bool)
        barred = self.regions.impossible(settings)
        return barred[self.regions.clients[self.candidates.client], self.candidates.provider]

    def of_models(self, models: Sequence[str]) -> "Window":
        """The same with the candidates of some models only."""
        return replace(self, candidates=self.candidates.of_models(models))

    def features(self) -> tuple[list[str], NDArray[np.float32]]:
        """What the second stage looks at."""
        return Description.of(self.known, self.regions).features(self.candidates)

    def rankings(self, k: int) -> dict[str, Ranking]:
        """Lists of each model alone."""
        return {
            model: self.candidates.ranking(self.candidates.by_model(model), k)
            for model in self.candidates.models
        }


def window(
    payments: Payments,
    cut_off: int,
    settings: ExampleSettings,
    models: Sequence[str],
) -> Window:
    """Fit models on what was known on a day, and look at what came true.

    Raises
    ------
    InputError
        Nothing was known, or nothing came true.
    """
    known = _known(payments, cut_off, settings)
    targets = first_payments(known, payments, cut_off + settings.horizon_days)
    return _window(known, targets, settings, models)


def masked_window(
    payments: Payments,
    cut_off: int,
    settings: ExampleSettings,
    models: Sequence[str],
) -> Window:
    """Fit models on what was known on a day but for pairs drawn at random, which are to be found.

    Raises
    ------
    InputError
        Nothing was known, or nothing was drawn.
    """
    known = _known(payments, cut_off, settings)
    rest, targets = masked(known, settings.masked_share, settings.seed)
    return _window(rest, targets, settings, models)


def regions_known(known: Known, settings: ExampleSettings) -> Regions | None:
    """Regions of clients and providers; None if payments have none."""
    there = "region" in known.payments.attributes
    return regions_of(known, settings.regions) if there else None


def _window(
    known: Known, targets: Targets, settings: ExampleSettings, models: Sequence[str]
) -> Window:
    if not (targets.provider >= 0).any():
        raise InputError(
            f"from {date_of(known.cut_off)} on no client pays a provider for the "
            "first time whom another has paid before, so there is nothing to find: choose another "
            f"cut-off or a longer horizon in split and examples of {PARAMS}"
        )
    fitted = fit_models(known, list(models), settings.models)
    per_model = settings.second_stage.per_model
    offered = candidates(fitted, known.matrix(), known.barred(), targets.clients(), per_model)
    return Window(known, regions_known(known, settings), targets, offered)


def _known(payments: Payments, cut_off: int, settings: ExampleSettings) -> Known:
    known = Known.before(payments, cut_off, settings.never_offered)
    if not len(known.pairs):
        raise InputError(
            f"no payment to a known provider is earlier than {date_of(cut_off)}: choose a "
            f"later cut-off, or fewer windows and origins, in split and examples of {PARAMS}"
        )
    return known
