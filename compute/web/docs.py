"""Swagger UI at /docs from the files in the wheel flask-swagger-ui: a reader's browser asks nobody else."""

from importlib.resources import files

import flask
from apiflask import APIFlask
from markupsafe import Markup

from compute.web.access import public

_ASSETS = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon-32x32.png": "image/png",
}
_PAGE = Markup("""<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <title>{title}</title>
  <link rel="icon" href="/docs/favicon-32x32.png">
  <link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
  <div id="swagger-ui"></div>
  <script src="/docs/swagger-ui-bundle.js"></script>
  <script src="/docs/start.js"></script>
</body>
</html>
""")
# No validator: its badge is a picture from validator.swagger.io. No "try it out": a browser cannot sign.
_START = """SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  validatorUrl: null,
  supportedSubmitMethods: [],
});
"""
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def install(app: APIFlask) -> None:
    """Serve the page and what it loads, for all to read."""
    folder = files("flask_swagger_ui") / "dist"

    @app.get("/docs")
    @app.doc(hide=True)
    @public
    def docs() -> flask.Response:
        response = flask.Response(_PAGE.format(title=app.title), mimetype="text/html")
        response.headers["Content-Security-Policy"] = _POLICY
        return response

    @app.get("/docs/start.js")
    @app.doc(hide=True)
    @public
    def docs_start() -> flask.Response:
        return flask.Response(_START, mimetype="text/javascript")

    @app.get("/docs/<name>")
    @app.doc(hide=True)
    @public
    def docs_asset(name: str) -> flask.Response:
        if name not in _ASSETS:
            flask.abort(404)
        return flask.Response((folder / name).read_bytes(), mimetype=_ASSETS[name])
