// What the page does without loading anew: send a form when a control moves, take dropped files, copy a list.
// Everything works without it, by the buttons of the forms.
"use strict";
(() => {
  const said = document.getElementById("said");
  const say = (text) => { if (said) { said.textContent = text; } };

  // A form with data-live is sent when something in it changes; what comes back replaces the element of that id.
  const waiting = new WeakMap();
  const running = new WeakMap();

  async function refresh(form) {
    running.get(form)?.abort();
    const stop = new AbortController();
    running.set(form, stop);
    const place = document.getElementById(form.dataset.live);
    place.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(form.action, {
        method: "POST",
        body: new URLSearchParams(new FormData(form)),
        headers: { "X-Part": "1" },
        credentials: "same-origin",
        signal: stop.signal,
      });
      const text = await answer.text();
      const part = new DOMParser().parseFromString(text, "text/html");
      const whole = part.getElementById("main");
      const open = new Set([...place.querySelectorAll("details[open] > summary")].map((each) => each.textContent));
      place.replaceChildren(...(whole ?? part.body).childNodes);
      for (const summary of place.querySelectorAll("details > summary")) {
        if (open.has(summary.textContent)) { summary.parentElement.open = true; }
      }
      place.dataset.shown = String(Number(place.dataset.shown ?? "0") + 1);
      place.removeAttribute("aria-busy");
    } catch (error) {
      if (error.name !== "AbortError") {
        place.removeAttribute("aria-busy");
        say("The service did not answer; what is shown is the last answer.");
      }
    }
  }

  function soon(form) {
    clearTimeout(waiting.get(form));
    waiting.set(form, setTimeout(() => refresh(form), 40));
  }

  for (const form of document.querySelectorAll("form[data-live]")) {
    form.addEventListener("input", (event) => {
      const moved = event.target;
      if (moved.type === "range") {
        document.getElementById(moved.dataset.for).value = moved.value;
      } else {
        const slider = form.querySelector(`input[type=range][data-for="${moved.id}"]`);
        if (slider && moved.value !== "") { slider.value = moved.value.replace(",", "."); }
      }
      soon(form);
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
        say("Copied.");
      } catch {
        text.focus();
        text.select();
        say("Selected: copy it with Ctrl+C.");
      }
    });
  }
})();
