"""A shop on Python's standard library that takes payments by `jibit agent`.

AGENT_URL=http://127.0.0.1:8092 WEBHOOK_SECRET_FILE=webhook.secret BOOK=book.sqlite3 python3 shop.py 8000
"""

import base64, hmac, json, os, pathlib, secrets, sqlite3, sys, time, urllib.parse, urllib.request
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

AGENT = os.environ["AGENT_URL"]
SECRET = pathlib.Path(os.environ["WEBHOOK_SECRET_FILE"]).read_text().strip()
KEY = base64.b64decode(SECRET.removeprefix("whsec_"))
FORM = """<!doctype html><html lang="fa" dir="rtl"><meta charset="utf-8"><title>کتاب‌فروشی</title>
<form method="post" action="/buy"><p>سه کتاب، ۱۲٬۵۰۰ تومان</p>
<label>شمارهٔ همراه <input name="mobile" inputmode="tel" required></label> <button>پرداخت</button></form>"""

def book():
    book = sqlite3.connect(os.environ["BOOK"], timeout=10)
    book.execute("CREATE TABLE IF NOT EXISTS orders (number TEXT PRIMARY KEY, shipped INTEGER)")
    return closing(book)

def agent(path, body):
    request = urllib.request.Request(AGENT + path, json.dumps(body).encode())
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)

def is_signed(headers, body):
    sent = headers["webhook-timestamp"] or "0"
    signed = f"{headers['webhook-id']}.{sent}.".encode() + body
    mac = base64.b64encode(hmac.digest(KEY, signed, "sha256")).decode()
    is_right = hmac.compare_digest(headers["webhook-signature"] or "", "v1," + mac)
    return is_right and abs(time.time() - int(sent)) < 300

def ship(number):
    """Ships an order once, however often it is told."""
    with book() as rows, rows:
        if not rows.execute("SELECT 1 FROM orders WHERE number = ?", [number]).fetchone():
            raise KeyError(number)
        first = "UPDATE orders SET shipped = 1 WHERE number = ? AND shipped = 0"
        if rows.execute(first, [number]).rowcount:
            print("shipping", number)  # whatever a shop does, in the same transaction
    agent(f"/orders/{number}/fulfilled", {})

class Shop(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/shipments":
            with book() as rows:
                shipped = rows.execute("SELECT number FROM orders WHERE shipped = 1")
                return self.say(200, json.dumps([number for (number,) in shipped]))
        self.say(200, FORM)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/buy":
            number = "py-" + secrets.token_hex(8)
            with book() as rows, rows:
                rows.execute("INSERT INTO orders VALUES (?, 0)", [number])
            mobile = urllib.parse.parse_qs(body.decode())["mobile"][0]
            order = {"number": number, "amount": 125_000, "mobile": mobile, "description": "سه کتاب"}
            self.say(303, "", Location=agent("/orders", order)["redirectUrl"])
        elif self.path == "/jibit" and is_signed(self.headers, body):
            event = json.loads(body)
            if event["type"] == "order.paid":
                ship(event["data"]["order"]["number"])
            self.say(200, "")  # only now: if we die before, it comes again
        else:
            self.say(401, "")

    def say(self, status, text, **headers):
        self.send_response(status)
        headers["Content-Type"] = "text/html; charset=utf-8"
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())

ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Shop).serve_forever()
