"""Seeds are the same however often they have been used."""

from __future__ import annotations

import numpy as np
import pytest

from qent_hw.seeds import fresh_seed


def numbers(seed):
    return seed.generate_state(4).tolist()


@pytest.mark.parametrize("seed", [5, np.int64(5), np.random.SeedSequence(5)])
def test_children_are_the_same_again_and_again(seed):
    first = [numbers(one) for one in fresh_seed(seed).spawn(3)]
    assert [numbers(one) for one in fresh_seed(seed).spawn(3)] == first
    assert [numbers(one) for one in np.random.SeedSequence(5).spawn(3)] == first


def test_a_used_sequence_is_left_as_it_is():
    used = np.random.SeedSequence(5, spawn_key=(2,))
    used.spawn(4)
    assert numbers(fresh_seed(used).spawn(1)[0]) == numbers(np.random.SeedSequence(5, spawn_key=(2, 0)))
    assert used.n_children_spawned == 4


def test_a_path_leads_to_what_would_be_spawned():
    child = np.random.SeedSequence(5).spawn(3)[2]
    grandchild = child.spawn(2)[1]
    assert numbers(fresh_seed(5, 2)) == numbers(child)
    assert numbers(fresh_seed(5, 2, 1)) == numbers(fresh_seed(child, 1)) == numbers(grandchild)
