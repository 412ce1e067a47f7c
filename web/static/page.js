// What a page can do more with a script than without: nothing of it is needed to read or to change something.
"use strict";

// Tables of the page that can be scrolled sideways are reached by keyboard only while they need it.
for (const box of document.querySelectorAll(".scroll")) {
  const update = () => {
    if (box.scrollWidth > box.clientWidth) box.setAttribute("tabindex", "0");
    else box.removeAttribute("tabindex");
  };
  new ResizeObserver(update).observe(box);
}

const log = document.getElementById("events");
if (log) watch(log);

function watch(log) {
  const state = document.getElementById("events-state");
  const pause = document.getElementById("events-pause");
  const commands = document.getElementById("events-commands");
  const MOST = 200;
  let paused = false;
  document.getElementById("events-controls").hidden = false;
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.textContent = paused ? "Go on" : "Pause";
    pause.setAttribute("aria-pressed", String(paused));
  });
  const source = new EventSource("/api/v1/events");
  source.addEventListener("open", () => { state.textContent = "Watching."; });
  source.addEventListener("error", () => { state.textContent = "The connection is lost; trying again."; });
  source.addEventListener("activity", (message) => {
    if (paused) return;
    const event = JSON.parse(message.data);
    if (event.kind === "command" && !commands.checked) return;
    const row = log.tBodies[0].insertRow(0);
    const cells = [
      new Date(event.time * 1000).toISOString().slice(11, 19),
      event.protocol + (event.session === null ? "" : " " + event.session),
      event.account || event.peer || "",
      event.kind.replace("-", " "),
      event.text + (event.milliseconds ? "  " + event.milliseconds + " ms" : ""),
    ];
    for (const text of cells) row.insertCell().textContent = text;
    row.dataset.kind = event.kind;
    while (log.tBodies[0].rows.length > MOST) log.tBodies[0].deleteRow(-1);
  });
}
