"""Drive a project over plain HTTP: sign in, preview, confirm, read state and log.

python examples/http_script.py http://127.0.0.1:8000 admin PASSWORD
"""

import sys
import uuid
from typing import Any

import httpx


def told(answer: httpx.Response) -> Any:
    """What the API answered; ends here with its own sentence where that is a refusal (RFC 9457)."""
    if answer.is_error:
        problem = "problem+json" in answer.headers.get("Content-Type", "")
        sys.exit("{code}: {detail}".format(**answer.json()) if problem else answer.text)
    return answer.json()


def main(api: str, username: str, password: str) -> None:
    """Set the counter to 5 and add 3, as one confirmed plan, and show what came of it."""
    with httpx.Client(base_url=f"{api}/v1", timeout=30) as client:
        login = told(client.post("/auth/login", json={"username": username, "password": password}))
        client.headers["Authorization"] = f"Bearer {login['token']}"

        steps = [
            {"action": "demo.counter.set", "inputs": {"value": 5}},
            {"action": "demo.counter.increment", "inputs": {"amount": 3}},
        ]
        preview = told(client.post("/projects/demo/previews", json={"steps": steps}))
        for step in preview["steps"]:
            for change in step["diff"]:
                print(f"{step['title']}: {change['before']} → {change['value']}")

        # The request id makes a repeated call safe: it is answered, and not run, again.
        plan = {"request_id": str(uuid.uuid4()), "steps": steps, "confirm": preview["digest"]}
        answer = client.post("/projects/demo/plans", json=plan)
        if answer.status_code == 409:
            sys.exit(f"The world has moved, nothing was changed: {answer.json()['detail']}")
        print("plan:", told(answer)["status"])

        state = told(client.get("/projects/demo/state"))
        print("counter:", state["components"]["demo.counter"]["value"])
        newest = told(client.get("/projects/demo/executions", params={"limit": 2}))
        print("log:", [(one["seq"], one["action"], one["status"]) for one in newest["items"]])


if __name__ == "__main__":
    main(*sys.argv[1:])
