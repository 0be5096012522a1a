// Keeps the page live, and has its buttons ask the control API.
"use strict";

const byId = (id) => document.getElementById(id);
// Without the token that a person may have typed into the address: scripts may not send it.
const here = (path) => location.origin + path;
const two = (number) => String(number).padStart(2, "0");

// The virtual clock goes on from what it said when the page was written.
const clock = byId("now");
const ahead = () => Number(document.querySelector("[data-ahead]").dataset.ahead) * 1000;
const begin = Number(clock.dataset.now) - ahead() - performance.now();
const tick = () => {
  const now = begin + ahead() + performance.now();
  clock.textContent = new Date(now).toISOString().slice(11, 19);
  for (const until of document.querySelectorAll("[data-until]")) {
    const left = Math.max(0, Math.ceil((Number(until.dataset.until) - now) / 1000));
    const at = new Date(Number(until.dataset.until)).toISOString().slice(11, 19);
    until.textContent = `${at} (${two(Math.floor(left / 60))}:${two(left % 60)} left)`;
  }
};
tick();
setInterval(tick, 1000);

// A part comes anew; what was open in it stays open, and the focus stays where it is.
const show = ({ id, html }) => {
  const part = byId(id);
  const open = [...part.querySelectorAll("details[open]")].map((one) => one.id);
  const focus = part.contains(document.activeElement) && document.activeElement.id;
  part.innerHTML = html;
  for (const one of open) if (byId(one)) byId(one).open = true;
  if (focus) byId(focus)?.focus();
  tick();
};

const link = byId("link");
const events = new EventSource(here("/_sandbox/events"));
events.onmessage = (event) => show(JSON.parse(event.data));
events.onopen = () => { link.textContent = "live"; link.className = "live"; };
events.onerror = () => { link.textContent = "not live: the sandbox does not answer"; link.className = ""; };

const post = async (element, body) => {
  const { post: path, method = "POST", sure } = element.dataset;
  if (sure && !confirm(sure)) return;
  const headers = { "Content-Type": "application/json" };
  let said = "";
  try {
    const answer = await fetch(here(path), { method, headers, body });
    const { errorCode = 0, message } = await answer.json();
    if (errorCode) said = message;
  } catch {
    said = "the sandbox does not answer";
  }
  byId("said").textContent = said;
};

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-post]");
  if (button) post(button, button.dataset.body ?? "{}");
});
document.addEventListener("submit", (event) => {
  event.preventDefault();
  post(event.target, JSON.stringify(Object.fromEntries(new FormData(event.target))));
});
