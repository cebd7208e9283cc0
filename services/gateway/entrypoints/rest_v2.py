"""REST v2: VideoSDK's server API. Its parts are in `v2`."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI

from services.gateway.entrypoints.v2.slashes import OneTrailingSlash


def install_rest_v2(app: FastAPI, *routers: APIRouter) -> None:
    """Serve all of it. Of two routes that fit a path, the earlier one answers.

    The app must not redirect slashes.
    """
    app.add_middleware(OneTrailingSlash)
    for router in routers:
        app.include_router(router, prefix="/v2")
