"""What the page reads is what the API says of itself."""
import json
import subprocess

from tests.support.runs import ask
from tests.web.browser import ROOT

TYPES = {"OrganizationAttributes": ["organizations"], "WorkspaceAttributes": ["workspaces"], "RunAttributes": ["runs"], "PhaseAttributes": ["plans", "applies"],
         "RunEvent": ["run-events"], "VariableAttributes": ["vars"], "StateVersionAttributes": ["state-versions"], "TokenAttributes": ["authentication-tokens"],
         "AuditEventAttributes": ["audit-events"], "NoticeAttributes": ["notices"], "AwsMfaSettingsAttributes": ["aws-mfa-settings"], "AwsIdentityAttributes": ["aws-identities"],
         "WebhookAttributes": ["notification-configurations"], "WebhookDeliveryAttributes": ["webhook-deliveries"]}


def test_the_types_of_the_page_are_those_of_the_api(server):
    schemas = ask(server, "GET", "/api/v2/openapi.json")["components"]["schemas"]
    written = json.loads(subprocess.run(["node", ROOT / "tests/web/types.mjs"], capture_output=True, text=True, check=True).stdout)
    compared, wrong = 0, []
    for name, resources in TYPES.items():
        for resource in resources:
            known = schemas[resource]["properties"]["attributes"]["properties"]
            for attribute, read in written[name].items():
                schema = known.get(attribute)
                if schema is None:
                    # Only what may be missing may be left out of the description.
                    if not read["optional"]:
                        wrong.append(f"{resource} has no {attribute}")
                    continue
                compared += 1
                kind = schema.get("type", "any") + ("?" if schema.get("nullable") else "")
                if kind.endswith("?") and not read["kind"].endswith("?") or kind.rstrip("?") not in ("any", read["kind"].rstrip("?")):
                    wrong.append(f"{resource}.{attribute} is {kind}, and the page reads {read['kind']}")
    assert wrong == []
    assert compared > 80
