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

function unhide() {
  for (const one of document.querySelectorAll(".file[hidden], .print[hidden]")) one.hidden = false;
}

document.addEventListener("change", (event) => {
  if (event.target.id === "file") readInto(event.target);
});
document.addEventListener("click", (event) => {
  if (event.target.closest(".print")) window.print();
});
document.addEventListener("DOMContentLoaded", unhide);
document.addEventListener("htmx:load", unhide);
