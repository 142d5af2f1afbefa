"""The table of moves, by all sequences that hypothesis thinks of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compute.node.jobs.errors import WrongStateError
from compute.node.jobs.states import ENDED, HELD, MOVES, Move, State, advance


@given(st.lists(st.sampled_from(Move), max_size=30))
def test_any_sequence_keeps_the_promises(moves: list[Move]) -> None:
    state, runs, wished = State.QUEUED, 0, False
    for move in moves:
        try:
            following = advance("j", state, move)
        except WrongStateError:
            assert (state, move) not in MOVES
            continue
        if state in ENDED:
            assert following is state
        runs += move is Move.TAKE
        wished = wished or move is Move.CANCEL
        assert (following is State.CANCELLED) <= wished
        assert (following in {State.DONE, State.FAILED}) <= (state in HELD and runs > 0)
        assert (following in {State.RUNNING, State.QUEUED}) <= (not wished), "a wish to cancel was forgotten"
        state = following


def test_every_state_is_reached_and_every_other_state_than_the_ends_can_end() -> None:
    assert set(MOVES.values()) == set(State)
    for state in State:
        reachable = {state}
        for _ in State:
            reachable |= {following for (at, _), following in MOVES.items() if at in reachable}
        assert reachable & ENDED
        assert (reachable == {state}) == (state in ENDED)


@pytest.mark.parametrize("move", Move)
def test_done_is_final(move: Move) -> None:
    with pytest.raises(WrongStateError, match=f"j is done, so nobody can {move} it; possible: nothing"):
        advance("j", State.DONE, move)
