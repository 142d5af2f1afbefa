"""What a server refused, as people read it: what was wrong, and what to do next."""

from compute.web.errors import PeerProblemError


def sentences(error: PeerProblemError) -> str:
    """Give detail and remedy as two sentences."""
    detail = error.detail.strip()
    return f"{detail}{'' if detail.endswith(('.', '。', '!', '?')) else '.'} {error.remedy}"
