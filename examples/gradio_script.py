"""Drive a project through the Space's script endpoints with gradio_client.

python examples/gradio_script.py http://127.0.0.1:7860 admin PASSWORD
"""

import sys

from gradio_client import Client


def main(space: str, username: str, password: str) -> None:
    """Set the counter to 5, add 3, and show the newest executions."""
    client = Client(space, auth=(username, password), verbose=False)
    steps = [
        {"action_id": "demo.counter.set", "inputs": {"value": 5}},
        {"action_id": "demo.counter.increment", "inputs": {"amount": 3}},
    ]
    planned = client.predict("demo", {"steps": steps}, "assisted", api_name="/simulate_plan")
    print("cost:", planned["data"]["cost"])

    done = client.predict("demo", {"steps": steps}, "assisted", api_name="/execute_plan")
    print("plan:", done["code"], done["data"]["status"])

    # In script results, a change's `path` is called `pointer`.
    for step in done["data"]["executions"]:
        print([(change["pointer"], change["before"], change["value"]) for change in step["diff"]])

    log = client.predict("demo", 2, api_name="/get_audit_log")
    print("log:", [(item["seq"], item["action"], item["status"]) for item in log["data"]["items"]])


if __name__ == "__main__":
    main(*sys.argv[1:])
