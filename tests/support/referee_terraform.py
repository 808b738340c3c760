#!/usr/bin/python3
"""A terraform for kill tests: prints numbered lines, writes one state after the other, and tells each step to a referee on
a port of loopback (the configuration's file `referee`: port and name), who outlives everybody."""
import json
import os
import re
import socket
import sys
import time
import zipfile


def tell(word):
    port, run = open("referee").read().split()
    with socket.create_connection(("127.0.0.1", int(port)), 10) as referee:
        referee.sendall(f"{run} {word}\n".encode())
        referee.recv(1)


def say(count):
    for number in range(1, count + 1):
        print(f"line-{number}-", flush=True)
        time.sleep(0.005)


command = sys.argv[1]
if command == "init":
    os.makedirs(".terraform", exist_ok=True)
    path = json.loads(re.search(r"^ *path *= (.*)$", open("zzzz_tollgate_override.tf").read(), re.M).group(1))
    with open(".terraform/terraform.tfstate", "w") as file:
        json.dump({"backend": {"type": "local", "config": {"path": path}}}, file)
elif command == "plan":
    tell("plan")
    say(20)
    out = next(word[5:] for word in sys.argv if word.startswith("-out="))
    with zipfile.ZipFile(out, "w") as plan:
        plan.writestr("tfplan", "the plan")
    sys.exit(2)
elif command == "show":
    print(json.dumps({"format_version": "1.2", "terraform_version": "1.11.4", "resource_changes": []}))
elif command == "apply":
    tell("apply")
    for serial in range(1, 6):
        say(10)
        with open("../state/terraform.tfstate", "w") as file:
            json.dump({"version": 4, "terraform_version": "1.11.4", "serial": serial, "lineage": "kills", "outputs": {},
                       "resources": []}, file)
        tell(f"state-{serial}")
    say(10)
    print("Apply complete! Resources: 1 added, 0 changed, 0 destroyed.")
elif command == "providers":
    print(json.dumps({"format_version": "1.0", "provider_schemas": {}}))
else:
    sys.exit(127)
