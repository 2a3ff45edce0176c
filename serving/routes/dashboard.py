"""`GET /`: the dashboard, a static page that asks this API.

With `serving.local_dashboard` a browser on this machine gets a cookie that may read, so that
nobody has to paste a key into a page.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import FileResponse, Response
from fastapi.staticfiles import StaticFiles

from serving.access import DASHBOARD_COOKIE, is_own_dashboard, make_dashboard_token
from serving.deps import Service, get_service

FOLDER = Path(__file__).resolve().parent.parent / "dashboard"
# Everything the page loads comes from here.
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


class PageFiles(StaticFiles):
    """A page's files. Asked for again each time (304 if unchanged): modules of two versions do
    not fit together."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "no-cache"
        return response


router = APIRouter(include_in_schema=False)


@router.get("/")
async def show_dashboard(
    request: Request, service: Annotated[Service, Depends(get_service)]
) -> FileResponse:
    response = FileResponse(FOLDER / "index.html", headers=_HEADERS)
    serving = service.settings.serving
    if is_own_dashboard(request, serving):
        response.set_cookie(
            DASHBOARD_COOKIE, make_dashboard_token(serving), httponly=True, samesite="strict"
        )
    return response
