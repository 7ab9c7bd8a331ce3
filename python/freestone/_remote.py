"""How files behind URLs are reached: fsspec's and s3fs' words for it, in Freestone's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from freestone.errors import UserError

__all__ = ["remote_options"]

_NAMES = {
    "anon": "anonymous",
    "key": "key",
    "username": "key",
    "secret": "secret",
    "password": "secret",
    "token": "token",
    "profile": "profile",
    "endpoint_url": "endpoint",
    "requester_pays": "requester_pays",
    "headers": "headers",
    "timeout": "timeout",
    "retries": "retries",
}
_CLIENT_NAMES = {
    "endpoint_url": "endpoint",
    "region_name": "region",
    "headers": "headers",
    "aws_access_key_id": "key",
    "aws_secret_access_key": "secret",
    "aws_session_token": "token",
}
# What is about fsspec's own ways, and changes nothing here.
_WITHOUT_MEANING = {"asynchronous", "loop", "use_listings_cache", "skip_instance_cache", "default_block_size", "default_fill_cache", "default_cache_type",
                    "cache_regions", "block_size", "use_ssl", "max_concurrency"}


def _translated(values: Mapping[str, Any], names: Mapping[str, str], where: str) -> dict[str, Any]:
    out = {}
    for name, value in values.items():
        if name in _WITHOUT_MEANING or value is None:
            continue
        if name not in names:
            raise UserError(f"storage_options: there is no {where}{name!r}. There are {', '.join(names)}{', client_kwargs, config_kwargs' if not where else ''}.")
        out[names[name]] = value
    return out


def remote_options(storage_options: Mapping[str, Any] | None) -> dict[str, Any]:
    """``storage_options`` of fsspec as `_core.open` takes them."""
    given = dict(storage_options or {})
    client = given.pop("client_kwargs", None) or {}
    config = given.pop("config_kwargs", None) or {}
    out = {**_translated(given, _NAMES, ""), **_translated(client, _CLIENT_NAMES, "client_kwargs ")}
    style = (config.get("s3") or {}).get("addressing_style")
    if style is not None:
        if style not in ("path", "virtual", "auto"):
            raise UserError(f"storage_options: config_kwargs: addressing_style is path, virtual or auto, not {style!r}.")
        if style != "auto":
            out["path_style"] = style == "path"
    if "headers" in out:
        out["headers"] = [f"{name}: {value}" for name, value in dict(out["headers"]).items()]
    for name in ("timeout", "retries"):
        if name in out:
            out[name] = (float if name == "timeout" else int)(out[name])
    return out
