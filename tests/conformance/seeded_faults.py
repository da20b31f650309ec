"""Faults of a service, one at a time, and the statements that each must be found to break: those and no others."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import example_cards

Change = Callable[[dict[str, Any]], object]


@dataclass(frozen=True, slots=True)
class Fault:
    """`broken`: short names of the statements. The rest tells the example service what to do wrong.

    `services` are those that it has; `extra` are options of the check besides the usual ones.
    """

    name: str
    broken: str
    switch: str = ""
    discovery: Change | None = None
    answer: Change | None = None
    body: Callable[[dict[str, Any]], bytes] | None = None
    icon: bytes = b""
    services: tuple[str, ...] = ("risk", "quiet")
    extra: Mapping[str, Any] = field(default_factory=dict)


def _first(found: dict[str, Any]) -> dict[str, Any]:
    entry: dict[str, Any] = found["services"][0]
    return entry


def of_discovery() -> tuple[Fault, ...]:
    """What discovery says wrong."""

    def entry(name: str, broken: str, **members: Any) -> Fault:
        return Fault(name, broken, discovery=lambda found: _first(found).update(members))

    def lacks(member: str, broken: str) -> Fault:
        return Fault(f"no {member}", broken, discovery=lambda found: _first(found).pop(member))

    def query(name: str, broken: str, text: str, services: tuple[str, ...] = ("risk", "quiet")) -> Fault:
        return Fault(
            name, broken, discovery=lambda found: _first(found)["prefetch"].update(extra=text), services=services
        )

    return (
        Fault("discovery under another path", "4 5", "discovery elsewhere"),
        Fault("discovery with status 201", "13", "discovery 201"),
        Fault("services is an object", "6", discovery=lambda found: found.update(services={"a": 1})),
        Fault("a service that is a string", "6", discovery=lambda found: found["services"].append("more")),
        Fault("a service twice", "10", discovery=lambda found: found["services"].append(_first(found))),
        lacks("hook", "7"),
        lacks("title", "8"),
        lacks("description", "9"),
        lacks("version", "K13"),
        entry("title is null", "3 8", title=None),
        entry("an id with a slash", "10", id="a/b"),
        entry("prefetch is an array", "11", prefetch=["Patient/{{context.patientId}}"]),
        entry("usageRequirements is a number", "12", usageRequirements=4),
        entry("hookVersion of no hook", "K14", hookVersion="9.9"),
        entry("a member of its own", "K18", colour="red"),
        entry("extension is an array", "214", extension=["a"]),
        entry("extension with a short name", "215", extension={"note": "a"}),
        query("token with context.draftOrders", "57 L16", "ServiceRequest?_id={{context.draftOrders}}", ("orders",)),
        query("token with context.selections", "57 L89", "ServiceRequest?_id={{context.selections}}", ("select",)),
        query("token with draftOrders at selection", "57 L93", "Task?_id={{context.draftOrders}}", ("select",)),
        query(
            "token into context.appointments",
            "57 L32",
            "ServiceRequest?_id={{context.appointments.entry.id}}",
            ("booking",),
        ),
        query(
            "token with fulfillmentTasks", "57 L73", "ServiceRequest?_id={{context.fulfillmentTasks}}", ("dispatch",)
        ),
        query("token without context", "56 59", "Patient/{{patientId}}"),
        query("token of no field", "56", "Patient/{{context.person}}"),
        query("single braces", "55", "Condition?patient={context.patientId}"),
        query("a query with _include", "58", "Condition?patient={{context.patientId}}&_include=Condition:asserter"),
        query("an absolute query", "58", "https://fhir.example.org/Patient/{{context.patientId}}"),
    )


def of_answers() -> tuple[Fault, ...]:
    """What answers say wrong: the first card of the service `risk`, or the second of `orders`."""

    def card(name: str, broken: str, change: Change) -> Fault:
        def changed(answer: dict[str, Any]) -> None:
            if answer["cards"]:
                change(answer["cards"][0])

        return Fault(name, broken, answer=changed)

    def put(name: str, broken: str, **members: Any) -> Fault:
        return card(name, broken, lambda found: found.update(members))

    def whole(name: str, broken: str, change: Change, *services: str) -> Fault:
        return Fault(name, broken, answer=change, services=services or ("risk", "quiet"))

    def order(name: str, broken: str, change: Change) -> Fault:
        """Of the card about an order: its first suggestion updates, its second deletes."""
        return whole(name, broken, lambda answer: change(answer["cards"][1]), "orders")

    return (
        whole("cards missing", "74 K18", lambda answer: answer.update(card=answer.pop("cards") or [1])),
        whole("cards is null", "3 74", lambda answer: answer.update(cards=None)),
        whole("systemActions is empty", "3", lambda answer: answer.update(systemActions=[])),
        whole("systemActions is an object", "75", lambda answer: answer.update(systemActions={"type": "delete"})),
        whole("a system action without type", "127", lambda answer: answer["systemActions"][0].pop("type"), "orders"),
        whole("two cards with one uuid", "80", lambda answer: answer["cards"].append(*answer["cards"][:1]), "risk"),
        Fault("one uuid for all time", "K19", answer=_always("same"), services=("risk",)),
        put("uuid is a number", "80", uuid=7),
        put("summary of 140 characters", "83", summary="a" * 140),
        card("no summary", "83", lambda found: found.pop("summary")),
        put("detail is null", "3 85", detail=None),
        put("detail with a script", "85 K20", detail="<script>alert(1)</script>"),
        put("detail in HTML", "K20", detail="<p>Calcium is <b>high</b></p>"),
        card("no indicator", "87", lambda found: found.pop("indicator")),
        put("indicator outside the set", "88", indicator="hard-stop"),
        card("no source", "90", lambda found: found.pop("source")),
        card("source without label", "105", lambda found: found["source"].pop("label")),
        card("relative source url", "107", lambda found: found["source"].update(url="/guideline")),
        card("relative icon", "111", lambda found: found["source"].update(icon="icon.png")),
        card("source url of this patient", "109", _source_of_patient),
        card("topic is a string", "115", lambda found: found["source"].update(topic="risk")),
        card("topic without code", "216 218", lambda found: found["source"]["topic"].pop("code")),
        card("topic without system", "217", lambda found: found["source"]["topic"].pop("system")),
        card("topic with a number to display", "220", lambda found: found["source"]["topic"].update(display=4)),
        Fault("icon of 64 pixels", "112", icon=example_cards.png(64)),
        Fault("icon with transparent pixels", "112", icon=example_cards.png(alpha=128)),
        put("suggestions is an object", "92", suggestions={"label": "a"}),
        card("no selectionBehavior", "93 96", lambda found: found.pop("selectionBehavior")),
        put("selectionBehavior outside the set", "95", selectionBehavior="one"),
        put("two recommended under at-most-one", "122", selectionBehavior="at-most-one"),
        card("suggestion without label", "117", lambda found: found["suggestions"][0].pop("label")),
        card("suggestion uuid is a number", "119", lambda found: found["suggestions"][0].update(uuid=1)),
        card("isRecommended is a word", "121", lambda found: found["suggestions"][0].update(isRecommended="yes")),
        card("actions is an object", "124", lambda found: found["suggestions"][0].update(actions={"type": "create"})),
        card(
            "actionSelectionBehavior is used", "K15 K16",
            lambda found: found["suggestions"][0].update(actionSelectionBehavior="some"),
        ),
        card("action of unknown type", "127", _action(type="replace")),
        card("action without description", "128", lambda found: _actions(found)[0].pop("description")),
        card("created resource is a reference", "130 131", _action(resource="ServiceRequest/1")),
        card("created resource in part", "131", lambda found: _actions(found)[0]["resource"].pop("intent")),
        order("updated resource in part", "132", lambda found: _keep(_actions(found)[0], "resourceType", "id", "note")),
        order("update of an unknown order", "132 K21", lambda found: _actions(found)[0]["resource"].update(id="other")),
        order("delete with a resource", "133", lambda found: _actions(found, 1)[0].update(resource="ServiceRequest/1")),
        order("delete of nothing", "134", lambda found: _actions(found, 1)[0].pop("resourceId")),
        order("delete by a bare id", "135", lambda found: _actions(found, 1)[0].update(resourceId="kit-draft-1")),
        order("two updates of one order", "125", lambda found: _actions(found).append(_actions(found)[0])),
        put("overrideReasons is an object", "98", overrideReasons={"code": "a"}),
        card("override reason without display", "100 136 219", lambda found: found["overrideReasons"][0].pop("display")),
        put("links is an object", "103", links={"label": "a"}),
        card("link without label", "138", lambda found: found["links"][0].pop("label")),
        card("link without url", "139", lambda found: found["links"][0].pop("url")),
        card("link without type", "141", lambda found: found["links"][0].pop("type")),
        card("link of unknown type", "142", lambda found: found["links"][0].update(type="relative")),
        card("relative smart link", "142", lambda found: found["links"][1].update(url="launch")),
        card("appContext on an absolute link", "146 147", lambda found: found["links"][0].update(appContext="a=b")),
        card("appContext is an object", "144", lambda found: found["links"][1].update(appContext={"a": "b"})),
        card("autoLaunchable misspelt", "K17 K18", lambda found: found["links"][1].update(autoLaunchable=True)),
        Fault("answers called HTML", "1", "text/html"),
        Fault("a member twice", "1", body=lambda value: b'{"extension":{"a.b":1},"extension":{"a.b":1},' + _rest(value)),
        Fault("a trailing comma", "1 6", body=lambda value: json.dumps(value).encode()[:-1] + b",}"),
        Fault("status 204", "74 77", "204"),
    )  # fmt: skip


def _rest(value: dict[str, Any]) -> bytes:
    return json.dumps(value).encode()[1:]


def _always(uuid: str) -> Change:
    return lambda answer: [card.update(uuid=uuid) for card in answer["cards"][:1]]


def _source_of_patient(card: dict[str, Any]) -> None:
    card["source"]["url"] = card["links"][0]["url"]


def _actions(card: dict[str, Any], number: int = 0) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = card["suggestions"][number]["actions"]
    return found


def _action(**members: Any) -> Change:
    return lambda card: _actions(card)[0].update(members)


def _keep(action: dict[str, Any], *names: str) -> None:
    action["resource"] = {name: action["resource"][name] for name in names}


def of_behaviour() -> tuple[Fault, ...]:
    """What the service does wrong with requests."""
    none = {"services": ("quiet",)}
    return (
        Fault("a listed service that is not there", "16 K9", "lost service", services=("orders",)),
        Fault("200 for an unknown service", "K1", "any id"),
        Fault("400 for an unknown service", "K2", "unknown id 400"),
        Fault("200 for broken JSON", "K3", "broken JSON 200", services=("quiet",)),
        Fault("500 for broken JSON", "K4", "broken JSON 500"),
        Fault("required fields unchecked", "K5", "fields unchecked", services=("quiet",)),
        Fault("500 without prefetch", "54 K8", "500 without prefetch", services=("risk",)),
        Fault("500 on null prefetch", "54 K8", "500 on null prefetch"),
        Fault("500 on empty searchsets", "54 K8", "500 on empty searchsets"),
        Fault("500 on OperationOutcome", "52 K8", "500 on OperationOutcome"),
        Fault("500 on unknown prefetch keys", "K8 K10", "500 on unknown keys"),
        Fault("400 on unknown context fields", "K10", "400 on unknown context"),
        Fault("400 on extensions", "K10", "400 on extensions"),
        Fault("422 for every request", "K9", "422 always", services=("quiet",)),
        Fault("another hook of the same id refused", "211 K9", "one hook only refused", services=("risk",)),
        Fault("plain-text errors", "1 K6", "plain-text errors"),
        Fault("errors without OperationOutcome", "K6", "errors without OperationOutcome"),
        Fault("412 that names nothing", "K7", "412 names nothing"),
        Fault("slow", "27", "slow", services=("quiet",), extra=none),
        Fault("wildcard origin with credentials", "208", "wildcard with credentials"),
        Fault("any origin with credentials", "208", "any origin with credentials"),
        Fault("the given origin is refused", "208", "origin refused"),
        Fault("preflight without Authorization", "208", "no authorization header"),
        Fault("accepted feedback fails", "148", "accepted 500"),
        Fault("malformed feedback acknowledged", "K22", "malformed feedback 200"),
        Fault("malformed feedback fails", "K23", "malformed feedback 500"),
    )


def of_tokens() -> tuple[Fault, ...]:
    """What the service does wrong with tokens."""
    table = (
        ("calls without a token accepted", "177", "accepts no token"),
        ("feedback without a token accepted", "177", "open feedback"),
        ("every token accepted", "176 177 195 201 203", "accepts everything"),
        ("algorithm none accepted", "201", "accepts none"),
        ("HS256 accepted", "203", "accepts HS256"),
        ("any audience accepted", "176", "accepts any audience"),
        ("expired token accepted", "176", "accepts expired"),
        ("token without expiry accepted", "176", "accepts no expiry"),
        ("token that is not yet valid accepted", "176", "accepts early"),
        ("token used twice accepted", "176", "accepts replays"),
        ("unknown kid accepted", "176", "accepts unknown kid"),
        ("unlisted issuer accepted", "195", "accepts any issuer"),
        ("unlisted jku accepted", "195", "accepts any jku"),
        ("RS384 refused", "205", "refuses RS384"),
        ("403 instead of 401", "K11", "403 for tokens"),
        ("the reason of a 401 told", "K12", "leaks the reason"),
    )
    return tuple(Fault(name, broken, switch, services=("quiet",)) for name, broken, switch in table)


def of_fetching() -> tuple[Fault, ...]:
    """What the service does wrong with the client's FHIR server."""
    return (
        Fault("data only from prefetch", "34", "never fetches", services=("risk",)),
        Fault("a call without the token", "61", "fetches without token", services=("risk",)),
    )
