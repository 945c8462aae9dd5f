/* The audit trail: the log's filters, executions looked at above the page, copies, verification.
   It holds nothing but what was last seen of a verification, in words. */
(() => {
  if (window.trail) return;
  const root = document.currentScript?.dataset.root ?? "";
  const UNREACHABLE = "The service can't be reached. Try again shortly.";

  /* One execution above Gradio's page, which would lose its conversation if one left it. On pages
     of the Space's own a link is a link; so it is with a key held down, or the middle button. */
  const FRAME = `<div class="cs-look-top"><a class="cs-plain" target="_blank" data-own>Open as a page</a>
    <button type="button" class="cs-plain" data-close aria-label="Close">✕</button></div>
    <div data-body tabindex="-1"><p role="status">Reading …</p></div>`;
  function opened() {
    const open = document.querySelector("dialog.cs-look");
    if (open) return open;
    const dialog = document.createElement("dialog");
    dialog.className = "cs-dialog cs-look";
    dialog.dataset.testid = "look";
    dialog.setAttribute("aria-label", "Audit trail");
    dialog.innerHTML = FRAME;
    dialog.addEventListener("close", () => dialog.remove());
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog || event.target.closest("[data-close]")) dialog.close();
    });
    document.body.append(dialog);
    dialog.showModal();
    return dialog;
  }
  async function part(href) {
    try {
      const response = await fetch(href);
      if (response.ok) return { html: await response.text() };
      return { sentence: (await response.json()).detail ?? UNREACHABLE };
    } catch {
      return { sentence: UNREACHABLE };
    }
  }
  async function look(href) {
    const dialog = opened();
    const body = dialog.querySelector("[data-body]");
    dialog.querySelector("[data-own]").href = href;
    body.setAttribute("aria-busy", "true");
    const { html, sentence } = await part(href);
    body.removeAttribute("aria-busy");
    if (html !== undefined) body.innerHTML = html;
    else body.replaceChildren(alertOf(sentence));
    dialog.scrollTop = 0;
    (body.querySelector("h2[tabindex]") ?? body).focus({ preventScroll: true });
    started(body);
  }
  function alertOf(sentence) {
    const told = document.createElement("p");
    told.className = "cs-alert";
    told.role = "alert";
    told.textContent = sentence;
    return told;
  }

  /* Copies of what stands on the page. */
  async function copy(button) {
    const source = document.getElementById(button.dataset.copies);
    let said = "Copied";
    try {
      await navigator.clipboard.writeText(source.textContent);
    } catch {
      // No clipboard without TLS, or none allowed: the text is marked for the person's own copy.
      getSelection().selectAllChildren(source);
      said = "Selected";
    }
    button.textContent = said;
    const told = button.closest("section").querySelector("[data-copied-to]");
    if (told) told.textContent = said;
    setTimeout(() => (button.textContent = "Copy"), 2000);
  }

  /* Verification: one step after another until nothing is left, or somebody says stop. */
  async function verify(button) {
    const box = button.closest("[data-verification]");
    if (box.dataset.running) return delete box.dataset.running;
    box.dataset.running = "yes";
    button.textContent = "Stop";
    while (box.dataset.running && box.isConnected && (await step(box)));
    delete box.dataset.running;
    button.textContent = box.dataset.seen ? "Go on" : "Verify again";
  }
  async function step(box) {
    const project = box.dataset.verification;
    const asked = new URLSearchParams({ project, seen: box.dataset.seen ?? "" });
    const verdict = box.querySelector("[data-verdict]");
    try {
      const response = await fetch(`${root}/audit/verify?${asked}`);
      const answer = await response.json();
      if (!response.ok) throw new Error(answer.detail);
      verdict.innerHTML = answer.html;
      if (answer.more) return (box.dataset.seen = answer.seen);
      delete box.dataset.seen;
      remember(project, answer);
    } catch (error) {
      verdict.append(alertOf(error instanceof TypeError ? UNREACHABLE : error.message));
    }
    return false;
  }

  /* What this person last saw in this browser, in words; nothing else is kept. */
  const placeOf = (project) =>
    `cs-verified:${document.querySelector(".cs-top[data-user]")?.dataset.user}:${project}`;
  function remember(project, { verdict, tone }) {
    const at = new Date().toISOString();
    localStorage.setItem(placeOf(project), JSON.stringify({ at, verdict, tone }));
    started(document);
  }
  const inWords = (at) =>
    new Date(at).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short", timeZone: "UTC" }) + " UTC";
  function started(element) {
    for (const place of element.querySelectorAll("[data-last]")) {
      const kept = localStorage.getItem(placeOf(place.dataset.last));
      const { at, verdict, tone } = kept ? JSON.parse(kept) : {};
      place.dataset.tone = tone ?? "none";
      place.textContent = at ? `Last verified here ${inWords(at)}: ${verdict}` : "Not verified here yet.";
    }
  }
  document.addEventListener("DOMContentLoaded", () => started(document));

  document.addEventListener("click", (event) => {
    const copies = event.target.closest("[data-copies]");
    if (copies) return copy(copies);
    const verifies = event.target.closest("[data-verify]");
    if (verifies) return verify(verifies);
    const link = event.target.closest("a[data-look]") ?? rowLink(event);
    const own = document.body.classList.contains("cs-page");
    if (!link || own || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    look(link.href);
  });
  /* A row of the log is as good as its link, unless somebody marks text in it. */
  function rowLink(event) {
    if (event.target.closest("a, button") || String(getSelection())) return null;
    return event.target.closest(".cs-activity tr")?.querySelector("a[data-look]");
  }

  let chosen = false; // whether the next answer is one to a choice of filters
  let log = null;
  window.trail = {
    activity(element, show, older, ask) {
      log = looks.at("activity", element, show);
      const filter = (data) =>
        log.ask(() => {
          chosen = true;
          ask(data);
        });
      element.addEventListener("click", (event) => {
        if (event.target.closest("[data-older]")) log.goOn(older);
        if (event.target.closest("[data-reset]")) filter({});
      });
      element.addEventListener("submit", (event) => {
        event.preventDefault();
        filter(Object.fromEntries(new FormData(event.target)));
      });
    },
    /* What was chosen and answered is what the fields show; what is being chosen stays. */
    filtered(element) {
      if (chosen) element.querySelector(".cs-filters")?.reset();
      chosen = false;
      started(element);
      log.answered();
    },
  };
})();
