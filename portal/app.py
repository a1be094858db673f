"""Composes the portal: pages (Dash), API, tiles, downloads, assets, security; maps errors to answers once."""

from __future__ import annotations

import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path

from dash.exceptions import DependencyException
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, JSONResponse
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from portal import (
    api,
    api_tables,
    brief_routes,
    chart_routes,
    downloads,
    equity_api,
    feed_routes,
    figures_api,
    map_routes,
    oembed_routes,
    places_api,
    ready_routes,
    record_routes,
    tile_routes,
)
from portal.api_door import ApiDoor, declare_refusals
from portal.catalogue import routes as catalogue_routes
from portal.ckan import routes as ckan_routes
from portal.context import base_of
from portal.errors import NoRelease, NotFound, PortalError
from portal.head import HeadAsGet
from portal.ogc import routes as ogc_routes
from portal.open311 import routes as open311_routes
from portal.pages.frame import frame
from portal.problems import plain_problem, problem
from portal.queries import expected, stretched
from portal.rate_limit import RateLimits
from portal.release import Release, Releases
from portal.security import Compress, Limits, SecurityHeaders, content_security_policy
from portal.settings import PortalSettings
from portal.site import Site, unavailable
from portal.soda import routes as soda_routes
from portal.soda import views as soda_views

log = logging.getLogger("openward.portal")

ASSETS = Path(str(files("assets")))
ASSET_FOLDERS = ("css", "js", "img", "vendor")
NOT_PAGES = (
    "/api/",
    "/tiles/",
    "/download/",
    "/charts/",
    "/cite",
    "/embed/",
    "/oembed",
    "/ogc",
    "/feed.atom",
    "/open311",
    "/resource/",
    "/data.json",
    "/dcat-us-3.jsonld",
    "/datapackage.json",
    "/sitemap",
    "/robots.txt",
    "/healthz",
    "/mcp",
    "/assets/",
    "/_",
)
PLACE_KEYS = frozenset({"at", "near", "place", "within"})
"""Parts of an address that say where someone looks."""
WARM_PATHS = ("/", "/trends", "/areas", "/departments", "/data", "/sources", "/methods")


def from_environment() -> FastAPI:
    """The app with the settings of the OPENWARD_* variables: `uvicorn --factory portal.app:from_environment`."""
    return create_app(PortalSettings())


def create_app(settings: PortalSettings) -> FastAPI:
    """The whole portal as one ASGI app."""
    releases = Releases(settings.releases, settings, opened=_opened)
    app = FastAPI(
        title="Openward",
        summary="A city's service requests: figures, tiles and files of published releases.",
        version="1",
        openapi_url=f"{api.PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
    )
    app.state.settings = settings
    app.state.releases = releases
    for router in (
        api.router,
        api_tables.router,
        places_api.router,
        equity_api.router,
        figures_api.router,
        tile_routes.router,
        catalogue_routes.router,  # before the downloads: it has an address among theirs
        ready_routes.router,
        downloads.router,
        brief_routes.router,
        chart_routes.router,
        feed_routes.router,
        map_routes.router,
        oembed_routes.router,
        record_routes.router,
        ogc_routes.router,
        open311_routes.router,
        soda_routes.router,
        ckan_routes.router,
        soda_views.router,
    ):
        app.include_router(router)
    app.add_api_route("/healthz", _health, include_in_schema=False)
    if settings.mcp:
        from portal.mcp import routes as mcp_routes

        app.include_router(mcp_routes.router)
    else:
        app.add_api_route("/mcp", _nothing, methods=["GET", "POST", "DELETE", "OPTIONS"], include_in_schema=False)
    for folder in ASSET_FOLDERS:
        app.mount(f"/assets/{folder}", Assets(directory=ASSETS / folder, check_dir=False))
    app.add_api_route("/map/frame", _frame, include_in_schema=False)

    # Dash adds routes of its own, among them one for '/': ours must come before it, and the rest after.
    app.add_api_route("/", _page, include_in_schema=False)
    site = Site(app, releases, ASSETS)
    app.state.site = site
    app.add_api_route("/{path:path}", _page, include_in_schema=False)

    described = app.openapi
    app.openapi = lambda: declare_refusals(described())  # type: ignore[method-assign]

    app.add_exception_handler(PortalError, _portal_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(DependencyException, _no_bundle)
    app.add_exception_handler(Exception, _unexpected)
    # The last one added is the first that a request meets.
    app.add_middleware(ApiDoor)
    app.add_middleware(HeadAsGet)
    app.add_middleware(Compress)
    app.add_middleware(Limits)
    app.add_middleware(
        RateLimits, quota=settings.rate_limit, tiles=settings.rate_limit_tiles, proxies=settings.rate_limit_proxies
    )
    app.add_middleware(
        SecurityHeaders,
        script_hashes=site.script_hashes,
        style_hashes=site.style_hashes,
        https=settings.public_url.startswith("https:"),
    )
    return app


class Assets(StaticFiles):
    """Static files; an address with a fingerprint (`?v=`) never changes its content, others are asked again."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, with how long it may be kept."""
        response = await super().get_response(path, scope)
        fingerprinted = scope.get("query_string", b"").startswith(b"v=")
        response.headers["Cache-Control"] = tile_routes.FOREVER if fingerprinted else "public, max-age=600"
        return response


def _opened(release: Release) -> None:
    """What is worked out of a release in the background, before anybody asks."""
    expected.prepare(release)
    stretched.prepare(release)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Answer the unfiltered pages once in the background, so that the first visitor does not wait."""
    over = threading.Event()
    warm = threading.Thread(target=_warm, args=(app.state.site, over), daemon=True, name="warm")
    warm.start()
    yield
    over.set()
    warm.join()  # a query that is cut off at the end of the process would abort it
    app.state.releases.close()


def _warm(site: Site, over: threading.Event) -> None:
    for path in WARM_PATHS:
        if over.is_set():
            return
        try:
            site.page(path)
        except Exception:
            log.warning("could not warm %s", path, exc_info=True)
            return


def _health(request: Request) -> Response:
    """200 while there is a release to show, 503 otherwise."""
    release = request.app.state.releases.current()
    return JSONResponse({"status": "ok", "release_id": release.id}, headers={"Cache-Control": "no-store"})


def _nothing(request: Request) -> Response:
    """What is switched off."""
    raise NotFound(f"There is nothing at {request.url.path[:80]}.")


def _page(request: Request) -> Response:
    """Any page, complete before JavaScript; the Dash app takes over from there."""
    if not _is_page(request):
        raise NotFound(f"There is nothing at {request.url.path[:80]}.")
    site: Site = request.app.state.site
    # As it was asked for: a number with a percent or question mark in it is not to be decoded twice.
    path = request.scope.get("raw_path", b"").decode("ascii", "replace") or request.url.path
    accepted = request.headers.get("accept-language", "")
    status, html = site.page(path, request.url.query, accepted, base_of(request))
    # What people typed, or where they are, is part of this address: no cache between them and us may hold it.
    told = request.url.path.startswith(("/places", "/expected")) or bool(PLACE_KEYS & set(request.query_params))
    kept = "private, no-cache" if told else "no-cache"
    return HTMLResponse(html, status_code=status, headers={"Cache-Control": kept, "Vary": "Accept-Language"})


def _frame(request: Request) -> Response:
    """The folium page inside the map page; its policy names its own inline scripts."""
    release = request.app.state.releases.current()
    page = frame(release, request.url.query, request.headers.get("accept-language", ""))
    return HTMLResponse(
        page.html,
        headers={
            "Content-Security-Policy": content_security_policy(page.script_hashes),
            "Cache-Control": "no-cache",
            "Vary": "Accept-Language",
        },
    )


def _is_page(request: Request) -> bool:
    return not request.url.path.startswith(NOT_PAGES)


def _portal_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, PortalError)  # noqa: S101 - registered for nothing else
    if isinstance(error, NoRelease):
        log.error("%s", error)
    return unavailable(error) if _is_page(request) else problem(error)


def _invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"][1:]) or "the request"
    return plain_problem(400, "Bad request", f"{where}: {first['msg']}")


def _http_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    answer = plain_problem(error.status_code, str(error.detail), f"{error.detail}.")
    answer.headers.update(error.headers or {})  # of a 405: what is allowed
    return answer


def _no_bundle(request: Request, _error: Exception) -> Response:
    """Dash has no such script; it would call that an error of ours."""
    return problem(NotFound(f"There is nothing at {request.url.path[:80]}."))


def _unexpected(request: Request, error: Exception) -> Response:
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return plain_problem(500, "Internal error", "Something went wrong on our side; it has been logged.")
