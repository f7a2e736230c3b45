import numpy as np

from src.campaign.greedy import Room, by_score
from src.campaign.problem import Contacts
from tests.campaign.problems import check, new_problem

COSTS = [[2.0, 1.0], [np.inf, 1.0]]


def test_in_order_while_there_is_room() -> None:
    problem = new_problem(
        np.full((4, 2), 0.5), [9, 9], COSTS, total=3, most=[2, 2], channel_most=[9, 1]
    )
    room = Room.of(problem)
    assert room.routes == [[1, 0], [1]]
    taken = room.fill(np.array([0, 0, 1, 2, 3, 3]), np.array([0, 1, 1, 0, 0, 1]))
    # Customer 0 has had a contact, channel 1 is full for customer 1, product 0 for customer 3.
    assert taken.rows.tolist() == [0, 2]
    assert taken.products.tolist() == [0, 0]
    assert taken.channels.tolist() == [1, 0]
    assert (room.total, room.products.tolist(), room.channels.tolist()) == (1, [0, 2], [8, 0])


def test_what_is_taken_counts() -> None:
    problem = new_problem(np.full((2, 1), 0.5), [9], [[1]], total=1)
    room = Room.of(problem)
    room.use(Contacts(*np.array([[0], [0], [0]])))
    assert len(room.fill(np.array([1]), np.array([0]))) == 0


def test_the_highest_scores_come_first() -> None:
    problem = new_problem([[0.1, 0.2], [0.3, 0], [0.4, 0.5]], [1, 1], COSTS)
    scores = np.array([[9, 8], [5, 7], [6, 6.5]])  # 7 is of a product that 1 holds
    found = by_score(problem, scores, 2, np.random.default_rng(1))
    check(problem, found)
    assert found.rows.tolist() == [0, 2]
    assert found.products.tolist() == [0, 1]


def test_equal_scores_come_in_the_order_of_the_seed() -> None:
    problem = new_problem(np.full((1000, 1), 0.5), [9], [[1]])

    def rows(seed: int) -> list[int]:
        found = by_score(problem, np.ones(1), 10, np.random.default_rng(seed))
        return list(found.rows.tolist())

    assert rows(1) == rows(1)
    assert rows(1) != rows(2)
    assert rows(1) != list(range(10))
