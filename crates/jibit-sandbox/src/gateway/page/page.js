// Ticks the time that is left, and looks again when it is over. The page works
// without this.
"use strict";
// A form that leads back to the shop goes by itself.
document.querySelector("form[data-leaves]")?.submit();

const left = document.querySelector("[data-left]");
if (left) {
  const end = performance.now() + Number(left.dataset.left) * 1000;
  const two = new Intl.NumberFormat(document.documentElement.lang === "fa" ? "fa-IR" : "en", { minimumIntegerDigits: 2, useGrouping: false });
  const tick = () => {
    const seconds = Math.max(0, Math.ceil((end - performance.now()) / 1000));
    left.textContent = two.format(Math.floor(seconds / 60)) + ":" + two.format(seconds % 60);
    if (seconds === 0) location.reload();
    else setTimeout(tick, 250);
  };
  tick();
}
