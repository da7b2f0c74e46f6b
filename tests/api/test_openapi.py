"""The OpenAPI document says what the service does."""

import json
import subprocess

import httpx
import pytest

from harness.daemon import SERVICES, binary
from harness.samples import new_lab, new_user

ROUTES = {
    "/": {"get"},
    "/users/": {"get", "post"},
    "/users/{user_id}": {"get", "put", "delete"},
    "/labs/": {"get", "post"},
    "/labs/{lab_id}": {"get", "put", "delete"},
    "/labs/type/{lab_type}": {"get"},
    "/progress/lab-attempt": {"post"},
    "/progress/lab-attempt/{attempt_id}": {"get", "put", "delete"},
    "/progress/{user_id}": {"get"},
    "/progress/stats/{user_id}": {"get"},
}


@pytest.fixture(scope="module")
def document(api) -> dict:
    answer = api.get("/openapi.json")
    assert answer.status_code == 200 and answer.headers["content-type"] == "application/json"
    return answer.json()


def operations(document: dict):
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def resolved(document: dict, schema: dict) -> dict:
    while "$ref" in schema:
        assert schema["$ref"].startswith("#/")
        target = document
        for name in schema["$ref"][2:].split("/"):
            target = target[name]
        schema = target
    return schema


def references(value):
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for member in value.values():
            yield from references(member)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def test_it_is_openapi_3_1(document):
    assert document["openapi"] == "3.1.0" and document["info"]["title"] and document["info"]["version"]


def test_it_has_every_route(document):
    for path, methods in ROUTES.items():
        assert methods <= set(document["paths"][path]), path


def test_every_path_parameter_is_declared(document):
    for path, method, operation in operations(document):
        named = {part[1:-1] for part in path.split("/") if part.startswith("{")}
        parameters = [resolved(document, p) for p in operation.get("parameters", [])]
        assert named == {p["name"] for p in parameters if p["in"] == "path"}, (
            path,
            method,
        )


def test_every_operation_has_an_id_of_its_own_a_summary_and_a_success(document):
    ids = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(ids) == len(set(ids))
    for path, method, operation in operations(document):
        assert operation["summary"], (path, method)
        assert any(status.startswith("2") for status in operation["responses"]), (path, method)


def test_every_reference_can_be_resolved(document):
    found = list(references(document))
    assert found
    for reference in found:
        assert resolved(document, {"$ref": reference})


def test_every_body_names_its_members_and_which_are_needed(document):
    needed = {
        ("/users/", "post"): {"username", "email"},
        ("/users/{user_id}", "put"): {"username", "email"},
        ("/labs/", "post"): {"name", "description", "lab_type", "difficulty"},
        ("/progress/lab-attempt", "post"): {"user_id", "lab_type", "completion_status", "time_spent"},
    }
    for (path, method), members in needed.items():
        content = document["paths"][path][method]["requestBody"]["content"]["application/json"]
        schema = resolved(document, content["schema"])
        assert members <= set(schema["required"]) <= set(schema["properties"]), path


def test_it_is_what_the_program_prints(api):
    if not binary("user-progress").exists():
        pytest.skip("the service runs elsewhere")
    printed = subprocess.run(
        [binary("user-progress"), "--openapi"], check=True, stdout=subprocess.PIPE, timeout=60
    )
    assert printed.stdout.strip() == api.get("/openapi.json").content.strip()


def test_an_answer_has_the_members_of_its_schema_in_their_order(api, document):
    for path, made in (("/users/", new_user(api)), ("/labs/", new_lab(api))):
        content = document["paths"][path]["post"]["responses"]["200"]["content"]["application/json"]
        assert list(resolved(document, content["schema"])["properties"]) == list(made), json.dumps(made)


def schemas_in(value):
    """Every schema that says its type, wherever it stands; what examples hold is none."""
    if isinstance(value, dict):
        if "type" in value and isinstance(value["type"], (str, list)) and "in" not in value:
            yield value
        for name, member in value.items():
            if name not in ("example", "examples", "default"):
                yield from schemas_in(member)
    elif isinstance(value, list):
        for item in value:
            yield from schemas_in(item)


@pytest.mark.parametrize("service", SERVICES)
def test_typed_clients_can_be_generated_from_it(services, service):
    document = httpx.get(services[service] + "/openapi.json").json()
    assert document["servers"] == [{"url": "."}]  # whatever prefix a proxy takes off
    found = list(schemas_in(document["components"]["schemas"]))
    assert found
    for schema in found:
        assert "nullable" not in schema, schema  # of OpenAPI 3.0
        assert not isinstance(schema.get("const"), (list, dict)), schema
        if "object" in schema["type"] and "properties" not in schema:
            assert schema.get("additionalProperties") is not None, schema
        assert "array" not in schema["type"] or "items" in schema, schema


def test_a_free_object_takes_any_member(services):
    schemas = httpx.get(services["usage-analytics"] + "/openapi.json").json()["components"]["schemas"]
    free = [s["properties"]["event_data"] for s in schemas.values() if "event_data" in s.get("properties", {})]
    assert free and all(schema["additionalProperties"] is True for schema in free)
