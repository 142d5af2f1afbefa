"""Joint statistics against who reads the open log, and against a provider whose answer is no answer."""

import hashlib
import json
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from statistics_tables import COMPANIES, FRAME, GENEROUS, TAX, holding, number_grid
from statistics_world import BANK, CONTRACT, build_statistics
from world import NOW

from compute.binning import NumberBins
from compute.node import events
from compute.paillier.private import PrivateKey
from compute.protocols.base import AnswerError
from compute.protocols.closed_answer.bank import opened
from compute.protocols.closed_answer.messages import ReleasedAnswer
from compute.signing import digest

TABLE = holding({"staff": [place % 3 * 10 for place in range(len(COMPANIES))]}, number_grid("staff", 10, 20))


def test_who_reads_the_log_cannot_try_which_question_it_was(key: PrivateKey, tmp_path: Path) -> None:
    """All of a question can be guessed, its cohort's digest is in the log: only the job's nonce is not."""
    with build_statistics(key, tmp_path, {TAX: TABLE}, GENEROUS, [FRAME]) as world:
        cohort = world.alignment(TAX, COMPANIES)
        message = world.ask(
            world.question(TAX, cohort, [NumberBins(column="staff", edges=("20",))], weighted=False)
        )
        job = message.job.statement
        (asked,) = job.asked
        entry = events.statistics_sent(BANK, CONTRACT, asked, job, len(COMPANIES), NOW)
        told = str(entry.detail["question"])
        guesses = [
            world.question(TAX, cohort, [NumberBins(column="staff", edges=edges)], weighted=False, as_of=day)
            for edges, day in product([("10",), ("20",), ("10", "20")], [message.question.as_of, "2026-11-21"])
        ]
        assert message.question in guesses
        names = [digest(guess) for guess in guesses]
        assert told not in {name.hex() for name in names} | {hashlib.sha256(name).hexdigest() for name in names}
        again = events.statistics_sent(BANK, CONTRACT, asked, world.ask(message.question).job.statement, 300, NOW)
        assert again.detail["question"] != told
        answer = world.nodes[TAX].role.answer(message).statement
        assert events.statistics_answered(BANK, CONTRACT, job, answer, 300, NOW).detail["question"] == told


@pytest.mark.parametrize(
    "false",
    [
        {"scale_denominator": "0"},
        {"scale_numerator": "-1"},
        {"bound": "-5"},
        {"low": "1", "high": "0"},
        {"withheld": [1000]},
    ],
)
def test_an_answer_whose_noise_is_none_is_malformed_and_stops_no_bank(
    key: PrivateKey, tmp_path: Path, false: dict[str, Any]
) -> None:
    with build_statistics(key, tmp_path, {TAX: TABLE}, GENEROUS, [FRAME]) as world:
        node = world.nodes[TAX]
        question = world.question(TAX, world.alignment(TAX, COMPANIES), ["staff"], weighted=False)
        honest = node.role.answer(world.ask(question))
        assert world.read(question, honest).tables[0].scale == 0
        job = honest.statement.job
        release = json.loads(opened(ReleasedAnswer(answer=honest, key=node.closed._key(job))))
        release["tables"][0] |= false
        content = json.dumps(release, sort_keys=True, separators=(",", ":")).encode()
        with pytest.raises(AnswerError, match="malformed"):
            world.read(question, node.closed.close(BANK, job, content))
