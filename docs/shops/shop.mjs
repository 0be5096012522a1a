// A shop on Node's own modules that takes payments by `jibit agent`.
//
// AGENT_URL=http://127.0.0.1:8092 WEBHOOK_SECRET_FILE=webhook.secret BOOK=book.jsonl \
//     node shop.mjs 8000

import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from "node:fs";
import { createServer } from "node:http";

const { AGENT_URL, WEBHOOK_SECRET_FILE, BOOK } = process.env;
const secret = readFileSync(WEBHOOK_SECRET_FILE, "utf8").trim();
const KEY = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
const FORM = `<!doctype html><html lang="fa" dir="rtl"><meta charset="utf-8"><title>کتاب‌فروشی</title>
<form method="post" action="/buy"><p>سه کتاب، ۱۲٬۵۰۰ تومان</p>
<label>شمارهٔ همراه <input name="mobile" inputmode="tel" required></label> <button>پرداخت</button></form>`;

// The book: a line for what was shipped, on the disk before anybody is told. A line that
// was cut short by a death ships nothing, and its webhook comes again.
const shipped = new Set();
for (const line of existsSync(BOOK) ? readFileSync(BOOK, "utf8").split("\n").slice(0, -1) : []) {
  if (line.startsWith("shipped ")) shipped.add(line.slice(8));
}
const book = openSync(BOOK, "a");
writeSync(book, "\n"); // ends what a death cut short

async function agent(path, body) {
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(AGENT_URL + path, { method: "POST", headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`the agent says ${answer.status}: ${await answer.text()}`);
  return answer.json();
}

function isSigned(headers, body) {
  const sent = headers["webhook-timestamp"] ?? "";
  const mac = createHmac("sha256", KEY).update(`${headers["webhook-id"]}.${sent}.`).update(body);
  const given = Buffer.from(headers["webhook-signature"] ?? "");
  const right = Buffer.from(`v1,${mac.digest("base64")}`);
  const isNew = Math.abs(Date.now() / 1000 - Number(sent)) < 300;
  return isNew && given.length === right.length && timingSafeEqual(given, right);
}

// Ships an order once, however often it is told.
async function ship(number) {
  if (!shipped.has(number)) {
    writeSync(book, `shipped ${number}\n`);
    fsyncSync(book);
    shipped.add(number);
    console.log("shipping", number);
  }
  await agent(`/orders/${number}/fulfilled`, {});
}

async function answer(request, body) {
  if (request.url === "/shipments") return [200, JSON.stringify([...shipped])];
  if (request.method === "GET") return [200, FORM];
  if (request.url === "/buy") {
    const mobile = new URLSearchParams(body.toString()).get("mobile") ?? "";
    const number = "js-" + randomBytes(8).toString("hex");
    const order = { number, amount: 125_000, mobile, description: "سه کتاب" };
    return [303, "", { Location: (await agent("/orders", order)).redirectUrl }];
  }
  if (request.url !== "/jibit" || !isSigned(request.headers, body)) return [401, ""];
  const event = JSON.parse(body);
  if (event.type === "order.paid") await ship(event.data.order.number);
  return [200, ""]; // only now: if we die before, it comes again
}

createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const said = await answer(request, Buffer.concat(chunks)).catch((error) => [502, String(error)]);
  response.writeHead(said[0], { "Content-Type": "text/html; charset=utf-8", ...said[2] });
  response.end(said[1]);
}).listen(Number(process.argv[2]), "127.0.0.1");
