"""Stands in for AWS Lambda: loads the handler as its runtime does and hands it events; answers as JSON lines.

python -m tests.deploy.invoke_lambda [--alb] "METHOD PATH BODY" ...: a process of its own,
as it keeps its loop.
"""

import json
import runpy
import sys
from typing import Any

from tests.deploy.deploy_files import ROOT


def event(method: str, path: str, body: str) -> dict[str, Any]:  # Any: JSON
    """API Gateway's payload 2.0."""
    return {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"host": "localhost", "content-type": "application/json"},
        "requestContext": {"http": {"method": method, "path": path, "sourceIp": "192.0.2.1"}},
        "body": body,
        "isBase64Encoded": False,
    }


def alb_event(method: str, path: str, body: str) -> dict[str, Any]:  # Any: as above
    """What a target group sends: the client's own X-Forwarded-For, and behind it the address that it saw."""
    return {
        "requestContext": {
            "elb": {"targetGroupArn": "arn:aws:elasticloadbalancing:eu-central-1:1:targetgroup/x"}
        },
        "httpMethod": method,
        "path": path,
        "queryStringParameters": {},
        "headers": {"host": "localhost", "x-forwarded-for": "198.51.100.1, 192.0.2.1"},
        "body": body,
        "isBase64Encoded": False,
    }


def main() -> None:
    is_alb = sys.argv[1] == "--alb"
    make_event = alb_event if is_alb else event
    handler = runpy.run_path(str(ROOT / "deploy/aws/lambda_handler.py"))["handler"]
    for request in sys.argv[1 + is_alb :]:
        method, path, body = request.split(" ", 2)
        answer = handler(make_event(method, path, body), None)
        sys.stdout.write(json.dumps({"lambda": True, **answer}) + "\n")


if __name__ == "__main__":
    main()
