"""Drive a project over plain HTTP: sign in, preview, confirm, read state and log.

python examples/http_script.py http://127.0.0.1:8000 admin PASSWORD
"""

import sys
import uuid

import httpx


def main(api: str, username: str, password: str) -> None:
    """Set the counter to 5 and add 3, as one confirmed plan, and show what came of it."""
    with httpx.Client(base_url=f"{api}/v1", timeout=30) as client:
        login = client.post("/auth/login", json={"username": username, "password": password})
        client.headers["Authorization"] = f"Bearer {login.raise_for_status().json()['token']}"

        steps = [
            {"action": "demo.counter.set", "inputs": {"value": 5}},
            {"action": "demo.counter.increment", "inputs": {"amount": 3}},
        ]
        preview = client.post("/projects/demo/previews", json={"steps": steps}).json()
        for step in preview["steps"]:
            for change in step["diff"]:
                print(f"{step['title']}: {change['before']} → {change['value']}")

        # The request id makes a repeated call safe: it is answered, and not run, again.
        plan = {"request_id": str(uuid.uuid4()), "steps": steps, "confirm": preview["digest"]}
        answer = client.post("/projects/demo/plans", json=plan)
        if answer.status_code == 409:
            sys.exit(f"The world has moved, nothing was changed: {answer.json()['detail']}")
        print("plan:", answer.raise_for_status().json()["status"])

        state = client.get("/projects/demo/state").json()
        print("counter:", state["components"]["demo.counter"]["value"])
        newest = client.get("/projects/demo/executions", params={"limit": 2}).json()["items"]
        print("log:", [(item["seq"], item["action"], item["status"]) for item in newest])


if __name__ == "__main__":
    main(*sys.argv[1:])
