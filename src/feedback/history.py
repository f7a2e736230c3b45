"""Answers from the service's log, with the chances they were drawn by, and what became of them."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isclose
from pathlib import Path
from typing import Any

from src.errors import InputError
from src.feedback.exposure import draw, first_chance

ENABLE = (
    "set exposure.share in service.yaml, and learn from what is logged from then on "
    "(docs/feedback.md)"
)


@dataclass(frozen=True)
class Answer:
    """An answer to a known customer.

    Attributes
    ----------
    products : list of str
        As they were shown.
    ranked : list of str
        The first ones as they were ranked, before they changed places.
    barred : frozenset of str
        Products that must not be offered to the customer then.
    share : float
        Probability of a random order.
    experiment, arm : str or None
    """

    answer: str
    at: float
    customer: int | str
    products: list[str]
    ranked: list[str]
    barred: frozenset[str]
    share: float
    experiment: str | None
    arm: str | None

    def chance(self, product: str) -> float:
        """Probability that a product is shown first."""
        if product not in self.ranked:
            return 0.0
        return first_chance(self.ranked.index(product), self.share, len(self.ranked))


@dataclass(frozen=True)
class Answers:
    """What a log says.

    Attributes
    ----------
    known : list of Answer
        To known customers who were offered something.
    without_chances : int
        Answers about products that name no chances: to customers not known, or of a service that
        did not log any.
    torn : int
        Lines that cannot be read, as a kill leaves them.
    """

    known: list[Answer]
    without_chances: int
    torn: int


def read_answers(files: Sequence[Path]) -> Answers:
    """Read logs of the service; every order shown is drawn again and compared.

    Raises
    ------
    InputError
        A file is missing; there is no answer, or none that names the chances it was drawn by; or an
        answer is not what its id says, so that its chances are not to be trusted.
    """
    known, without, torn = [], 0, 0
    odd: list[str] = []
    for line in _lines(files):
        if line is None:
            torn += 1
        elif "payments" in line:
            continue
        elif line.get("exposure") is None:
            without += 1
        elif line["products"]:
            answer = _answer(line)
            known.append(answer)
            if not _as_drawn(answer, line["exposure"]):
                odd.append(answer.answer)
    if not known and not without:
        raise InputError(f"{_named(files)}: there is no answer in it; {ENABLE}")
    if not known:
        raise InputError(
            f"{_named(files)}: none of {without:,} answers says with which probability its first "
            f"offer was shown, so nothing can be learnt from it honestly; {ENABLE}"
        )
    if odd:
        raise InputError(
            f"{_named(files)}: the order of {len(odd):,} of {len(known):,} answers (for example "
            f"{odd[0]}) is not the one that follows from their ids: the log was changed, or is of "
            "another version of the service"
        )
    return Answers(known, without, torn)


def read_feedback(path: Path) -> list[dict[str, Any]]:
    """Read what /feedback/export wrote, oldest first.

    Raises
    ------
    InputError
        The file is missing, or a line is no feedback.
    """
    if not path.exists():
        raise InputError(f"{path} is missing: write it by GET /feedback/export (docs/feedback.md)")
    found = {}
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            row = json.loads(text)
            found[row["id"]] = {
                name: row[name] for name in ("id", "customer", "product", "action", "answer")
            }
        except (ValueError, KeyError, TypeError):
            raise InputError(
                f"{path}: line {number} is no feedback as /feedback/export writes it: {text[:80]}"
            ) from None
    return [found[identity] for identity in sorted(found)]


def last_words(feedback: list[dict[str, Any]]) -> dict[tuple[str, str], str]:
    """What was said last about a product of an answer: accepted, dismissed or withdrawn."""
    return {
        (row["answer"], row["product"]): row["action"]
        for row in feedback
        if row["action"] != "shown" and row["answer"] is not None
    }


def accepted(feedback: list[dict[str, Any]]) -> set[tuple[str, str]]:
    """Answers and products of theirs that were accepted; the last word counts."""
    return {offer for offer, action in last_words(feedback).items() if action == "accepted"}


def _answer(line: dict[str, Any]) -> Answer:
    exposure = line["exposure"]
    return Answer(
        line["answer"],
        line["at"],
        line["customer"],
        line["products"],
        exposure["ranked"],
        frozenset(exposure["barred"]),
        exposure["share"],
        line["experiment"],
        line["arm"],
    )


def _as_drawn(answer: Answer, exposure: dict[str, Any]) -> bool:
    order = draw(answer.answer, answer.share, len(answer.ranked))
    expected = [answer.ranked[rank] for rank in order] if order is not None else answer.ranked
    return (
        (order is not None) == exposure["random"]
        and isclose(answer.chance(answer.products[0]), exposure["first_chance"], rel_tol=1e-9)
        and all(one == other for one, other in zip(answer.products, expected, strict=False))
    )


def _lines(files: Sequence[Path]) -> Iterator[dict[str, Any] | None]:
    for path in files:
        if not path.exists():
            raise InputError(f"{path} is missing: name the service's rec_history.log files")
        with path.open(encoding="utf-8", errors="replace") as file:
            for text in file:
                try:
                    line = json.loads(text)
                except ValueError:
                    yield None
                else:
                    yield line if isinstance(line, dict) and "products" in line else None


def _named(files: Sequence[Path]) -> str:
    return ", ".join(map(str, files))
