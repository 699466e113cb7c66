// What htmx doesn't do: read a file into the page (it goes nowhere else), print, and show what needs a script at all.
"use strict";

function problem(place, said) {
  place.querySelector(".file-problem").textContent = said;
}

async function readInto(input) {
  const place = input.closest(".file");
  const file = input.files[0];
  problem(place, "");
  if (!file) return;
  if (file.size > Number(place.dataset.largest)) {
    problem(place, place.dataset.tooLarge);
    return;
  }
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
    document.getElementById("text").value = text;
  } catch {
    problem(place, place.dataset.encoding);
  }
}

// A page has come, whole or in part: its language, what works only with a script, and where to go on reading.
function arrived(swapped) {
  const page = document.getElementById("page");
  document.documentElement.lang = page.lang;
  for (const one of page.querySelectorAll(".file[hidden], .print[hidden]")) one.hidden = false;
  const next = page.querySelector("[data-focus]");
  if (next) next.focus();
  else if (swapped && document.activeElement === document.body) page.querySelector("main").focus({ preventScroll: true });
}

document.addEventListener("change", (event) => {
  if (event.target.id === "file") readInto(event.target);
});
document.addEventListener("click", (event) => {
  if (event.target.closest(".print")) window.print();
});
document.addEventListener("DOMContentLoaded", () => arrived(false));
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.target.id === "page") arrived(true);
});
