"""What a request to the examiner's page must be, before any view sees it; each check is numbered.

1. Its Host is this server's very address: a name that an attacker's DNS points here is another one.
2. A browser does not say that a page of another site made it.
3. It carries the session's cookie; but for the request that begins the session, by its token.
4. What changes something carries the form's token, and no foreign Origin.

Answers may load nothing but this server's style sheet, run no script, be framed by nobody, and are not stored.
"""

import flask

from veilmart.reviewer.console.session import Session

COOKIE = "veilmart-review"
BEGIN = "console.begin"
"""The view that begins the session."""
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",  # with none at all a browser's forms would have the Origin "null"
    "X-Content-Type-Options": "nosniff",
}


def install(app: flask.Flask, session: Session, host: str) -> None:
    """Guard every view of the app, which is served at `host`, an address with its port."""

    @app.before_request
    def admit() -> None:
        flask.g.is_admitted = False
        request = flask.request
        if request.host != host:  # 1
            flask.abort(421, f"本服务只在 {host} This server is at {host} only.")
        begins = request.endpoint == BEGIN
        if not begins and request.headers.get("Sec-Fetch-Site", "none") not in {"same-origin", "none"}:  # 2
            flask.abort(403, "请求来自其他网站 Another site made this request.")
        if not begins and not session.admits(request.cookies.get(COOKIE)):  # 3
            flask.abort(403, "请用终端打印的网址打开 Open the address that the terminal shows.")
        if request.method not in {"GET", "HEAD"}:  # 4
            origin = request.headers.get("Origin")
            if origin not in {None, f"http://{host}"} or not session.is_form_token(request.form.get("form_token")):
                flask.abort(403, "表单无效 The form is not of this session; load the page again.")
        flask.g.is_admitted = not begins

    @app.after_request
    def finish(response: flask.Response) -> flask.Response:
        response.headers.update(HEADERS)
        return response
