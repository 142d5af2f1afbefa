"""The examiner's page: who may load it, what a forged request gets, and that a hostile text stays a text."""

import re

import flask
import pytest
from desk_node import node_of
from flask.testing import FlaskClient
from werkzeug.test import TestResponse
from world import EXAMINERS, World, scorecard

from compute.protocols.risk_score.case import Case
from compute.protocols.risk_score.case_states import ModelCaseState
from veilmart.reviewer.console.app import create_app
from veilmart.reviewer.console.charts import LABELS, WIDTH, chart
from veilmart.reviewer.console.guard import COOKIE, HEADERS
from veilmart.reviewer.console.session import LIFETIME, START, Session
from veilmart.reviewer.sections import Section

FIRST, SECOND = EXAMINERS
HOST = "127.0.0.1:8123"
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)> {{ 7 * 7 }}'


class Page:
    """An examiner's browser at their own page."""

    def __init__(self, world: World, examiner: str) -> None:
        self.now = 0.0
        self.session = Session(lambda: self.now)
        self.app = create_app(node_of(world, examiner), examiner, self.session, HOST)
        self.client: FlaskClient = self.app.test_client()

    def get(self, path: str, **options: object) -> TestResponse:
        return self.client.get(self.session.prefix + path, base_url=f"http://{HOST}", **options)  # type: ignore[arg-type]

    def post(self, path: str, form: dict[str, str], **options: object) -> TestResponse:
        url = self.session.prefix + path
        return self.client.post(url, data=form, base_url=f"http://{HOST}", **options)  # type: ignore[arg-type]

    def begin(self) -> TestResponse:
        return self.get(f"/begin/{self.session.token}")

    def form_token(self, path: str) -> str:
        found = re.search('name="form_token" value="([^"]+)"', self.get(path).text)
        assert found
        return found[1]


@pytest.fixture
def case(world: World) -> Case:
    world.enrol()
    found = world.cases.find(world.submit(scorecard()).submission)
    assert found is not None
    return found


@pytest.fixture
def page(world: World) -> Page:
    return Page(world, FIRST)


@pytest.fixture
def begun(page: Page) -> Page:
    assert page.begin().status_code == 303
    return page


# --- who may load it ---------------------------------------------------------------------------------------------


def test_the_token_begins_the_session_once(page: Page, world: World) -> None:
    token = page.session.token
    response = page.begin()
    assert (response.status_code, response.headers["Location"]) == (303, f"{page.session.prefix}/")
    cookie = response.headers["Set-Cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    assert {"HttpOnly", "SameSite=Strict", f"Path={page.session.prefix}/"} <= set(cookie.split("; "))
    assert page.get("/").status_code == 200
    stranger = Page(world, SECOND)
    stranger.session, stranger.client = page.session, page.app.test_client()
    assert stranger.get(f"/begin/{token}").status_code == 403
    assert stranger.get("/").status_code == 403


def test_a_token_is_too_old_after_a_while_and_a_session_ends(page: Page) -> None:
    page.now = START + 1
    assert page.begin().status_code == 403
    page.now = 0.0
    assert page.begin().status_code == 303
    page.now = LIFETIME + 1
    assert page.get("/").status_code == 403


def test_nothing_is_served_without_the_cookie(page: Page, case: Case) -> None:
    for path in ("/", "/console.css", f"/cases/{case.case}", "/nowhere", "/begin/wrong"):
        response = page.get(path)
        assert response.status_code == 403
        assert response.mimetype == "text/plain"
        assert page.session.prefix not in response.text
        assert page.session.form_token not in response.text
    page.client.set_cookie(COOKIE, "x" * 43, domain="127.0.0.1", path=page.session.prefix)
    assert page.get("/").status_code == 403


@pytest.mark.parametrize(
    "host", ["attacker.example:8123", "localhost:8123", "127.0.0.1", "127.0.0.1:8124", "[::1]:8123"]
)
def test_a_name_that_is_rebound_to_this_machine_gets_nothing(begun: Page, host: str) -> None:
    response = begun.get("/", headers={"Host": host})
    assert response.status_code == 421
    assert "script" not in response.text


def test_what_another_site_makes_a_browser_ask_is_refused(begun: Page) -> None:
    for site, status in (("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200)):
        assert begun.get("/", headers={"Sec-Fetch-Site": site}).status_code == status


def test_every_answer_forbids_scripts_frames_and_storing(page: Page, case: Case) -> None:
    responses = [page.get("/"), page.begin(), page.get("/"), page.get(f"/cases/{case.case}"), page.get("/nowhere")]
    for response in responses:
        assert {name: response.headers[name] for name in HEADERS} == HEADERS
    policy = HEADERS["Content-Security-Policy"]
    assert "script-src" not in policy
    assert "unsafe" not in policy


def test_pages_load_nothing_from_outside_and_have_no_script_or_style_of_their_own(begun: Page, case: Case) -> None:
    for path in ("/", f"/cases/{case.case}", "/nowhere"):
        text = begun.get(path).text
        assert not re.search(r"<script|<style|\bstyle=|\bon[a-z]+=|javascript:|https?://", text)
        links = re.findall(r'(?:href|src|action)="([^"]*)"', text)
        assert links
        assert all(link.startswith(begun.session.prefix + "/") for link in links)


# --- what it shows -----------------------------------------------------------------------------------------------


def test_a_case_is_shown_whole_and_readable_without_seeing_it(begun: Page, case: Case) -> None:
    text = begun.get(f"/cases/{case.case}").text
    assert "employees" in text
    assert ">-1000<" in text
    assert text.count("<svg") == text.count('role="img"') == len(re.findall('<figcaption id="chart-', text)) >= 3
    labelled = set(re.findall('<label for="([^"]+)"', text))
    inputs = re.findall(r"<(?:input|select)(?![^>]*hidden)[^>]*id=\"([^\"]+)\"", text)
    assert set(inputs) == labelled == {"code", "refusal"}
    assert text.count("<table>") == text.count("<thead>")
    assert 'scope="col"' in text
    assert '<html lang="zh-CN">' in text


def test_who_reads_a_case_is_written_down(begun: Page, world: World, case: Case) -> None:
    begun.get("/")
    assert world.cases.get(case.case).readings == ()
    begun.get(f"/cases/{case.case}")
    assert [reading.examiner for reading in world.cases.get(case.case).readings] == [FIRST]


def test_a_hostile_text_stays_a_text(page: Page) -> None:
    """Bins, dossiers and reasons are other people's words; here in every cell and label."""
    section = Section(HOSTILE, (HOSTILE,) * 2, ((HOSTILE, HOSTILE),))
    with page.app.test_request_context(base_url=f"http://{HOST}"):
        macros = page.app.jinja_env.get_template("macros.html")
        shown = flask.render_template_string(
            '{% import "macros.html" as shown with context %}'
            "{{ shown.rows(section) }}{{ shown.bars(chart, 1, 240, 300, 20) }}",
            section=section,
            chart=chart(HOSTILE, [HOSTILE], [1]),
        )
        problem = flask.render_template("problem.html", status=409, detail=HOSTILE, remedy=HOSTILE)
    assert macros
    for text in (shown, problem):
        assert "<script" not in text
        assert "<img" not in text
        assert "&lt;script&gt;" in text
        assert "49" not in text


def test_a_bank_that_names_its_bins_in_html_is_shown_as_it_wrote(world: World) -> None:
    card = scorecard()
    world.enrol()
    (region,) = card.sources["register"]
    named = type(region.bins)(column="region", groups=(("east",), ("north", "south")))  # type: ignore[call-arg]
    sources = {**card.sources, "register": (type(region)(named, (-13, 26, 7)),)}
    dossier = world.dossier(author='<b onclick="x">Li</b>')
    case = world.cases.find(world.submit(type(card)("card", "2.0.0", 0, 0, sources, (), dossier)).submission)
    assert case is not None
    page = Page(world, FIRST)
    page.begin()
    text = page.get(f"/cases/{case.case}").text
    assert "&lt;b onclick=&#34;x&#34;&gt;Li&lt;/b&gt;" in text
    assert "<b " not in text


# --- deciding ----------------------------------------------------------------------------------------------------


def approve(page: Page, case: Case, **options: object) -> TestResponse:
    path = f"/cases/{case.case}"
    return page.post(f"{path}/approve", {"form_token": page.form_token(path)}, **options)


def test_two_examiners_approve_and_one_withdraws(world: World, case: Case) -> None:
    for examiner in EXAMINERS:
        page = Page(world, examiner)
        page.begin()
        response = approve(page, case)
        assert (response.status_code, response.headers["Location"]) == (
            303,
            f"{page.session.prefix}/cases/{case.case}",
        )
    assert world.cases.get(case.case).state is ModelCaseState.APPROVED
    page = Page(world, FIRST)
    page.begin()
    path = f"/cases/{case.case}"
    form = {"form_token": page.form_token(path), "reason": "撤回 a mistake"}
    assert page.post(f"{path}/withdraw", form).status_code == 303
    assert "撤回 a mistake" in page.get(path).text
    assert world.cases.get(case.case).state is ModelCaseState.WITHDRAWN


def test_one_examiner_cannot_do_it_twice(begun: Page, case: Case) -> None:
    assert approve(begun, case).status_code == 303
    again = approve(begun, case)
    assert again.status_code == 403
    assert "has approved case" in again.text


def test_a_refusal_states_its_code_and_reason(begun: Page, world: World, case: Case) -> None:
    path = f"/cases/{case.case}"
    token = begun.form_token(path)
    for form in ({"code": "mood", "reason": "x"}, {"code": "other", "reason": " "}, {"reason": "x"}):
        assert begun.post(f"{path}/refuse", {"form_token": token, **form}).status_code == 422
    assert world.cases.get(case.case).state is ModelCaseState.OPEN
    form = {"form_token": token, "code": "purpose", "reason": "not for this"}
    assert begun.post(f"{path}/refuse", form).status_code == 303
    assert world.cases.get(case.case).state is ModelCaseState.REFUSED


@pytest.mark.parametrize("action", ["approve", "refuse", "withdraw"])
def test_a_forged_form_changes_nothing(begun: Page, world: World, case: Case, action: str) -> None:
    """Whatever another page of the same browser sends: the form is complete but for what only ours can have."""
    path, good = f"/cases/{case.case}", begun.session.form_token
    begun.get(path)
    before = world.cases.get(case.case)
    form = {"reason": "forged", "code": "other"}
    forged: list[tuple[dict[str, str], dict[str, str]]] = [
        (form, {}),
        (form | {"form_token": "x" * 43}, {}),
        (form | {"form_token": Session().form_token}, {}),
        (form | {"form_token": good}, {"Origin": "http://attacker.example"}),
        (form | {"form_token": good}, {"Origin": "null"}),
        (form | {"form_token": good}, {"Sec-Fetch-Site": "cross-site"}),
    ]
    for fields, headers in forged:
        assert begun.post(f"{path}/{action}", fields, headers=headers).status_code == 403, (fields, headers)
        assert world.cases.get(case.case) == before


def test_a_form_with_a_good_origin_is_taken(begun: Page, case: Case) -> None:
    headers = {"Origin": f"http://{HOST}", "Sec-Fetch-Site": "same-origin"}
    assert approve(begun, case, headers=headers).status_code == 303


def test_a_get_decides_nothing(begun: Page, case: Case) -> None:
    assert begun.get(f"/cases/{case.case}/approve").status_code == 405


def test_what_the_node_refuses_is_told(begun: Page) -> None:
    response = begun.get(f"/cases/{'0' * 32}")
    assert response.status_code == 404
    assert f"there is no case {'0' * 32}" in response.text


# --- charts ------------------------------------------------------------------------------------------------------


def test_bars_stand_on_the_zero_line_to_both_sides() -> None:
    found = chart("points", ["a", "b", "c"], [-10, 0, 30])
    assert found.zero == LABELS + WIDTH / 4
    assert [(bar.x, bar.width, bar.is_negative) for bar in found.bars] == [
        (LABELS, WIDTH / 4, True),
        (found.zero, 0, False),
        (found.zero, 3 * WIDTH / 4, False),
    ]
    flat = chart("none", ["a"], [0])
    assert (flat.bars[0].width, flat.zero) == (0, LABELS)
