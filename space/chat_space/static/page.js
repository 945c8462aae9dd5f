/* Pages with forms of their own. A secret that is shown is neither kept nor shown twice: a reload
   asks for the page anew, and leaving it, also into the browser's memory of pages, takes it away. */
(() => {
  const secret = () => document.querySelector("[data-secret]");

  async function copy() {
    const told = document.querySelector("[data-copied]");
    try {
      await navigator.clipboard.writeText(secret().textContent);
      told.textContent = "Copied.";
    } catch {
      // No clipboard without TLS, or none allowed: the text is marked for the person's own copy.
      getSelection().selectAllChildren(secret());
      told.textContent = "It is selected: copy it with Ctrl-C, or ⌘C on a Mac.";
    }
  }

  history.replaceState(history.state, "", location.href);
  addEventListener("pagehide", () => {
    if (secret()) secret().textContent = "";
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-copy]")) copy();
  });
  /* What came of a form is read first, by eyes and by screen readers. */
  document.addEventListener("DOMContentLoaded", () => {
    const outcome = document.querySelector(".cs-new, .cs-told:not([hidden])");
    if (!outcome) return;
    outcome.tabIndex = -1;
    outcome.focus();
  });
})();
