"""Serves the three applications over one store on ports of 127.0.0.1: `serve.py [--lab-fields] [PORT PORT PORT]`.

Port 0 takes a free one; what is taken is printed, one `NAME=URL` a line.
"""

import argparse
import asyncio
import socket

import uvicorn

import performance_reporting
import usage_analytics
import user_progress
from store import Store


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--lab-fields", action="store_true", help="answers to attempts carry their lab")
    parser.add_argument("ports", nargs="*", type=int, default=[8004, 8005, 8006])
    return parser.parse_args()


async def main() -> None:
    args = arguments()
    store = Store()
    apps = {
        "USER_PROGRESS_URL": user_progress.create_app(store, args.lab_fields),
        "PERFORMANCE_REPORTING_URL": performance_reporting.create_app(store),
        "USAGE_ANALYTICS_URL": usage_analytics.create_app(store),
    }
    servers = []
    for port, (name, app) in zip(args.ports, apps.items(), strict=True):
        listener = socket.create_server(("127.0.0.1", port))
        print(f"{name}=http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        config = uvicorn.Config(app, log_level="critical")
        servers.append(uvicorn.Server(config).serve(sockets=[listener]))
    await asyncio.gather(*servers)


if __name__ == "__main__":
    asyncio.run(main())
