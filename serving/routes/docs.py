"""`GET /docs` and `GET /redoc`: the OpenAPI document to read and to try, without another host.

FastAPI's own two pages, with the scripts and styles that `fastapi-offline` carries instead of a
CDN's, from `/docs/assets`. Open like the dashboard's page: they hold nothing but the document.
"""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

import fastapi_offline
from fastapi import APIRouter
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from fastapi.responses import HTMLResponse

FOLDER = Path(fastapi_offline.__file__).parent / "static"
ASSETS = "/docs/assets"
_DOCUMENT, _TITLE, _ICON = "/openapi.json", "web-analytics", "/dashboard/icon.svg"
# Both draw with styles inline and images in data: URLs; ReDoc's search is a worker from a blob. The
# one thing that ReDoc would fetch elsewhere, a logo of its makers, stays away.
_POLICY = (
    "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data:; worker-src blob:; script-src 'self'"
)
_INLINE_SCRIPT = re.compile(rb"<script>(.*?)</script>", re.DOTALL)

router = APIRouter(include_in_schema=False)


def _guard_page(page: HTMLResponse) -> HTMLResponse:
    """The page with a policy that names the very scripts that it has inline, and lets no other."""
    digests = (hashlib.sha256(script).digest() for script in _INLINE_SCRIPT.findall(page.body))
    hashes = (f" 'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    page.headers["Content-Security-Policy"] = _POLICY + "".join(hashes)
    return page


@router.get("/docs")
async def show_swagger() -> HTMLResponse:
    return _guard_page(
        get_swagger_ui_html(
            openapi_url=_DOCUMENT,
            title=_TITLE,
            swagger_js_url=f"{ASSETS}/swagger-ui-bundle.js",
            swagger_css_url=f"{ASSETS}/swagger-ui.css",
            swagger_favicon_url=_ICON,
        )
    )


@router.get("/redoc")
async def show_redoc() -> HTMLResponse:
    return _guard_page(
        get_redoc_html(
            openapi_url=_DOCUMENT,
            title=_TITLE,
            redoc_js_url=f"{ASSETS}/redoc.standalone.js",
            redoc_favicon_url=_ICON,
            with_google_fonts=False,
        )
    )
