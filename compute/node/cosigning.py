"""The node's witness over HTTPS: open to everybody, for a checkpoint is believed on the log's signature."""

import flask
from apiflask import APIBlueprint

from audit.errors import WitnessError
from audit.witness import MAX_REQUEST, SIZE_TYPE, Witness
from compute.web.access import public
from compute.web.body import Raw, answers

TEXT = "text/plain; charset=utf-8"
REFUSED = (400, 403, 404, 422, 503)
"""With which a witness says in plain words why it does not cosign."""


def routes(witness: Witness) -> APIBlueprint:
    """Give the routes of a witness, as C2SP tlog-witness has them below its URL."""
    made = APIBlueprint("witness", __name__, url_prefix="/witness")

    @made.post("/add-checkpoint")
    @public
    @answers({200: Raw("text/plain"), 409: Raw(SIZE_TYPE), 413: None} | dict.fromkeys(REFUSED, Raw("text/plain")))
    def add_checkpoint() -> flask.Response:
        """Cosign a checkpoint of the log that extends what was cosigned last.

        The body is `old` and a size on a line; a consistency proof, each hash in base64 on a line; an empty line;
        the checkpoint. 200: the cosignature's line. 409: the size that was cosigned last, for another proof.
        """
        flask.request.max_content_length = MAX_REQUEST
        try:
            return flask.Response(witness.add_checkpoint(flask.request.get_data()), content_type=TEXT)
        except WitnessError as error:
            if error.size is not None:
                return flask.Response(f"{error.size}\n", error.status, content_type=SIZE_TYPE)
            return flask.Response(f"{error}\n", error.status, content_type=TEXT)

    return made
