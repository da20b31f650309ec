// What the page does without loading anew: send a form when a control moves, take dropped files, copy a list.
// Everything works without it, by the buttons of the forms.
"use strict";
(() => {
  const said = document.getElementById("said");
  const say = (text) => { if (said) { said.textContent = text; } };

  // A form with data-live is sent when something in it changes; what comes back replaces the element of that id.
  // One request at a time: while the answer is on its way, only the newest state of the form is kept for the next.
  const running = new WeakSet();
  const moved = new WeakSet();

  async function refresh(form) {
    moved.add(form);
    if (running.has(form)) { return; }
    running.add(form);
    while (moved.has(form)) {
      moved.delete(form);
      await replaced(form);
    }
    running.delete(form);
  }

  async function replaced(form) {
    const place = document.getElementById(form.dataset.live);
    place.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(form.action, {
        method: "POST",
        body: new URLSearchParams(new FormData(form)),
        headers: { "X-Part": "1" },
        credentials: "same-origin",
      });
      const part = new DOMParser().parseFromString(await answer.text(), "text/html");
      const whole = part.getElementById("main");
      const open = new Set([...place.querySelectorAll("details[open] > summary")].map((each) => each.textContent));
      place.replaceChildren(...(whole ?? part.body).childNodes);
      for (const summary of place.querySelectorAll("details > summary")) {
        if (open.has(summary.textContent)) { summary.parentElement.open = true; }
      }
      place.dataset.shown = String(Number(place.dataset.shown ?? "0") + 1);
      tell(form, place);
    } catch {
      say(said?.dataset.silent);
    }
    place.removeAttribute("aria-busy");
  }

  // A screen reader hears the first numbers of the new result, not all of it at every move.
  function tell(form, place) {
    const heard = form.querySelector("[role=status]");
    const row = place.querySelector("tbody tr") ?? place.querySelector("h2, p");
    if (heard && row) { heard.textContent = [...(row.cells ?? [row])].slice(0, 2).map((each) => each.textContent).join(": "); }
  }

  for (const form of document.querySelectorAll("form[data-live]")) {
    form.addEventListener("input", (event) => {
      const control = event.target;
      if (control.type === "range") {
        document.getElementById(control.dataset.for).value = control.value;
        control.classList.remove("unset");
      } else {
        const slider = form.querySelector(`input[type=range][data-for="${control.id}"]`);
        if (slider && control.value !== "") {
          slider.value = control.value.replace(",", ".");
          slider.classList.remove("unset");
        }
      }
      refresh(form);
    });
    form.addEventListener("submit", (event) => { event.preventDefault(); refresh(form); });
  }

  // A file that is dropped on data-drop becomes the choice of that file input, and the form is sent.
  for (const zone of document.querySelectorAll("[data-drop]")) {
    const input = document.getElementById(zone.dataset.drop);
    const over = (on) => (event) => { event.preventDefault(); zone.classList.toggle("over", on); };
    zone.addEventListener("dragover", over(true));
    zone.addEventListener("dragleave", over(false));
    zone.addEventListener("drop", (event) => {
      over(false)(event);
      if (event.dataTransfer.files.length > 0) {
        input.files = event.dataTransfer.files;
        input.form.requestSubmit();
      }
    });
  }

  for (const button of document.querySelectorAll("button[data-copy]")) {
    button.addEventListener("click", async () => {
      const text = document.getElementById(button.dataset.copy);
      try {
        await navigator.clipboard.writeText(text.value);
        say(said?.dataset.copied);
      } catch {
        text.focus();
        text.select();
        say(said?.dataset.selected);
      }
    });
  }
})();
