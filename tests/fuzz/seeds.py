#!/usr/bin/env python3
"""Writes the first inputs of the fuzz targets, from the fixtures: seeds.py DIRECTORY."""

import base64
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FIXTURES = ROOT / "fixtures"
OUT = pathlib.Path(sys.argv[1])
MEDIA_TYPES = ["application/json", "text/plain", "text/html"]
STATUSES = [200, 200, 200, 201, 204, 302, 400, 401, 403, 404, 405, 409, 413, 429, 500, 503]


def put(target, name, data):
    directory = OUT / target
    directory.mkdir(parents=True, exist_ok=True)
    (directory / f"seed-{name}").write_bytes(data if isinstance(data, bytes) else data.encode())


def answer(status, media_type, body, header=""):
    """As targets/support reads it."""
    kind = MEDIA_TYPES.index(media_type) if media_type in MEDIA_TYPES else 3
    status = STATUSES.index(status) if status in STATUSES else 0
    head = bytes([status | kind << 4, 1 if header else 0])
    return head + (header + "\n" if header else "").encode() + body


def answers():
    for folder, target in [("healthengine", "healthengine_answers"), ("openvpms-guide", "openvpms_answers")]:
        for file in sorted((FIXTURES / folder).glob("*.json")):
            put(target, file.stem, answer(200, "application/json", file.read_bytes()))
    booking = {
        "bookingId": 36127212, "pmsResourceId": "s136", "pmsAppointmentTypeId": "66:s136", "pmsAppointmentIds": [],
        "pmsPatientId": None, "bookedTime": "2019-02-14 01:02:03", "bookingStatus": "Requested",
        "pmsAppointmentTime": "2019-02-15 12:30:00", "pmsAppointmentLength": 900, "reason": "Pet name: Muffett",
        "comments": "Short consult", "isNewPatient": True, "telehealthUrl": None,
        "patient": {"firstname": "Judith", "lastname": "Bourke", "phone": "0418 976 543", "email": "j@example.com"},
    }
    page = json.dumps({"data": [booking], "page": {"currentPage": 1, "totalPages": 3}}).encode()
    put("healthengine_answers", "bookings", answer(200, "application/json", page, "Fri, 15 Feb 2019 01:30:00 GMT"))
    refusal = json.dumps({"message": "This action is unauthorized.", "errors": {"day": ["is wrong"]}}).encode()
    put("healthengine_answers", "refusal", answer(403, "application/json", refusal))
    put("healthengine_answers", "page", answer(503, "text/html", b"<html><title>Gateway</title></html>", "120"))
    lines = (FIXTURES / "openvpms-recorded.jsonl").read_text().splitlines()[1:]
    for number, line in enumerate(lines):
        response = json.loads(line)["response"]
        body = response.get("body") or ""
        body = body if isinstance(body, str) else json.dumps(body)
        headers = {name.lower(): value for name, value in dict(response.get("headers") or {}).items()}
        media_type = headers.get("content-type", "application/json").split(";")[0]
        location = headers.get("location", "") if response["status"] == 201 else ""
        put("openvpms_answers", f"recorded-{number}", answer(response["status"], media_type, body.encode(), location))


def words():
    for number, text in enumerate([
        "2019-02-15T09:00:00.000+11:00", "2019-02-15 09:00:00", "2019-02-15", "9999-12-31T23:59:59.999Z",
        "Fri, 15 Feb 2019 01:30:00 GMT", "2019-02-15T24:00:00+10:30", "-262143-01-01T00:00:00Z", "24:00",
    ]):
        put("dates", number, text)
    for number, text in enumerate([
        "1h30m", "200ms", "5s", "08:00-18:00", "00:00-24:00", "s136", "u1158-s211", "66:u1158-s211",
        "603:be08f3c6-0001", "602:3:0f6c2d1e-1b1a-4f3c-9c33-0d8e5a4b7c21", "seen in the diary\n",
    ]):
        put("typed_words", number, text)
    for number, text in enumerate([
        "Australia/Sydney", "Australia/Lord_Howe", "GMT+10:00", "AEST", "E. Australia Standard Time", "UTC+9:30",
        "Australian Eastern Standard Time (Queensland)", "Etc/GMT-10", "Pacific/Chatham", "NSW",
    ]):
        put("zones", number, b"\x00\x10\x03\x00" + text.encode())


def files():
    example = (ROOT / "config" / "vetbridge.example.toml").read_text()
    secret = '"Zaphod-s3cret"'
    marked = example
    for form in ['{ file = "openvpms.password" }', '{ env = "HEALTHENGINE_API_KEY" }', '{ env = "PRACTICE_1234567_KEY" }']:
        marked = marked.replace(form, secret)
    everything = "\n".join(line.removeprefix("# ") if " = " in line or line.startswith("# [") else line
                           for line in marked.splitlines())
    for name, text in [("example", example), ("marked", marked), ("everything", everything)]:
        put("config_file", name, text)
    for file in sorted(FIXTURES.glob("tls/*.pem")) + [FIXTURES / "test-ca.pem"]:
        text = file.read_text()
        put("certificates", file.stem, text)
        inner = "".join(line for line in text.splitlines() if not line.startswith("-----"))
        put("certificates", f"{file.stem}-der", base64.b64decode(inner + "=="))


def state():
    kinds = ["booking", "configuration", "sent-day", "unheard-day", "full-resync", "roster-day", "zone", "pause",
             "resync", "client-memory", "subscriptions", "rival", "alerts"]
    export = []
    for file in sorted((FIXTURES / "store").glob("*.jsonl")):
        kind = file.name.split(".")[0]
        for number, line in enumerate(file.read_text().splitlines()):
            index = kinds.index(kind) if kind in kinds else number
            put("state_records", f"{kind}-{number}", bytes([index]) + line.encode())
            if kind != "meta":
                record = json.loads(line)
                export.append(json.dumps({"key": f"{kind}/1234567/{number}", **record}))
    put("state_import", "records", b"\x01" + "\n".join(export).encode())
    for number, line in enumerate(export):
        put("state_import", f"record-{number}", b"\x01" + line.encode() + b"\n")
    end = '{"end":{"records":0,"sha256":"' + "0" * 64 + '"}}'
    put("state_import", "end", b"\x01" + end.encode() + b"\n")


def requests():
    hook = (FIXTURES / "healthengine" / "webhook.json").read_bytes()
    for number, (path, method, forwarded) in enumerate([
        ("/webhooks/s3cret~", "POST", "13.55.48.1"), ("/some/path/webhooks/s3cret%7E?a=b", "POST", "9.9.9.9, 13.55.48.1"),
        ("/webhooks/s3cret~", "GET", "[::ffff:13.55.48.1]:4711"), ("/webhooks/", "POST", "13.55.48.1|127.0.0.1, 127.0.0.1"),
    ]):
        put("webhook", number, f"{path}\n{method}\n{forwarded}\n".encode() + hook)
    form = "content-type: application/x-www-form-urlencoded"
    for number, (flags, text) in enumerate([
        (1, "GET\n/\n\n"), (1, "GET\n/bookings?state=confirmed&since=36h&limit=5\n\n"), (1, "GET\n/bookings/36127212\n\n"),
        (1, "GET\n/api/v1/bookings?practice=1234567&since=2026-03-01\n\n"), (1, "GET\n/api/v1/bookings/7\n\n"),
        (1, "GET\n/api/v1/practices/1234567/explain?resource=s136&date=2027-02-15&at=10:30&type=63:s136\n\n"),
        (1, "POST\n/api/v1/practices/1234567/resync?only=config&dry_run=true\n\n"),
        (1, "POST\n/api/v1/bookings/7/resolve\ncontent-type: application/json\n\n"
            '{"outcome":"confirmed","reference":"603:1","force":true,"note":"x"}'),
        (1, f"POST\n/bookings/7/settle\n{form}\n\noutcome=rejected&note=seen&form_token=x"),
        (1, f"POST\n/practices/1234567/pause\n{form}\n\nform_token=x"),
        (0, f"POST\n/sign-in\n{form}\n\ntoken=x%20y"), (0, "GET\n/?token=%41\n\n"),
        (0, "GET\n/\ncookie: vetbridge-session=abc; x=y\n\n"),
        (0, "POST\n/api/v1/ask-again\nauthorization: Vetbridge a.b.c\norigin: http://localhost\n\n"),
        (0, "GET\n/api/v1/proof\nvetbridge-nonce: " + "A" * 43 + "\n\n"), (2, "GET\n/\nhost: bridge.example\n\n"),
        (1, f"POST\n/bookings/7/settle\n{form}\n\noutcome=confirmed&reference=603%3A1&force=on&note=%F0%9F%98%80"),
        (1, "GET\n/practices/1234567/days?resource=s136&date=2027-02-15\n\n"),
    ]):
        put("admin", number, bytes([flags]) + text.encode())


def people():
    for number, parts in enumerate([
        ["Judith", "Bourke", "0418 976 543", "j@example.com", "Jduith", "Bourke", "Pet name: Muffett\nlimps"],
        ["Zoë", "O&#039;Brien-Smith", "+61 (0)2 9555 1234", " J@Example.COM ", "Zoe", "OBrien Smith", "PET NAME : Rex"],
        ["Dr. Bill", "van der Berg", "614 1897 6543", "", "William", "Vanderberg", "Pet's name - Fluffy"],
        ["Nguyễn", "Thị Minh Khai", "0064 21 123 456", "x", "Minh Khai", "Nguyen", ""],
    ]):
        put("pet_owner", number, "\u0001".join(parts))


for write in [answers, words, files, state, requests, people]:
    write()
print(f"{sum(1 for _ in OUT.rglob('seed-*'))} first inputs in {OUT}")
