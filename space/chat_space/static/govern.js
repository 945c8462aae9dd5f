/* The listeners of the Approvals and Admin tabs, and of the account's menu. They hold nothing but
   what is being typed; whatever they send is checked again by the API. */
(() => {
  if (window.govern) return;

  /* Comments by the field's id: the page is patched by position, and they must not change cards. */
  const comments = new Map();
  let opened = null; // what was unfolded around the form that was sent last
  let byKeyboard = null;
  let inbox = null;
  let readAgain = () => {};

  function vote(button, card, decide, keyboard) {
    const field = card.querySelector(".cs-field");
    card.classList.add("cs-busy");
    byKeyboard = keyboard ? card.dataset.card : null;
    const comment = field?.value ?? "";
    if (field) comments.delete(field.id);
    space.act(() => decide({ verb: button.dataset.verb, card: card.dataset.card, comment }));
  }
  function focusCard(element) {
    const card = byKeyboard && element.querySelector(`[data-card="${CSS.escape(byKeyboard)}"]`);
    byKeyboard = null;
    card?.querySelector("h3").focus({ preventScroll: true });
  }

  /* The account's menu closes where one clicks elsewhere, and on Escape. */
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll(".cs-account[open]"))
      if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && document.querySelector(".cs-account[open]");
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });

  window.govern = {
    approvals(element, decide, reread) {
      inbox = element;
      readAgain = () => space.act(reread);
      element.addEventListener("input", (event) => comments.set(event.target.id, event.target.value));
      element.addEventListener("click", (event) => {
        const button = event.target.closest("[data-verb]");
        const card = button?.closest(".cs-request");
        if (card && !card.classList.contains("cs-busy"))
          vote(button, card, decide, event.detail === 0);
      });
    },
    decided(element) {
      element.querySelectorAll(".cs-busy").forEach((card) => card.classList.remove("cs-busy"));
      for (const field of element.querySelectorAll(".cs-field"))
        field.value = comments.get(field.id) ?? "";
      requestAnimationFrame(() => focusCard(element));
    },
    /* The timer has counted: read the list again where it is looked at and shows another number,
       unless somebody is writing a comment or reads what became of a decision. */
    counted() {
      const list = inbox?.querySelector(".cs-approvals");
      if (!list || list.offsetParent === null || [...comments.values()].some(Boolean)) return;
      if (list.querySelector('.cs-plan[data-status="superseded"], .cs-busy')) return;
      const tabs = [...document.querySelectorAll('#cs-tabs [role="tab"]')].map((tab) => tab.textContent);
      const label = tabs.find((text) => text.trim().startsWith("Approvals")) ?? "";
      if ((label.match(/\d+/)?.[0] ?? "0") !== list.dataset.waiting) readAgain();
    },
    forms(element, trigger) {
      element.addEventListener("submit", (event) => {
        event.preventDefault();
        const card = event.target.closest(".cs-admin");
        if (card.classList.contains("cs-busy")) return;
        card.classList.add("cs-busy");
        opened = event.target.closest("details");
        const data = Object.fromEntries(new FormData(event.target, event.submitter));
        space.act(() => trigger(data));
      });
    },
    /* What was done is shown as it is now; what failed stays as it was typed. */
    filled(element) {
      element.querySelectorAll(".cs-busy").forEach((card) => card.classList.remove("cs-busy"));
      const failed = element.querySelector('.cs-told[data-tone="bad"]');
      if (failed && opened?.isConnected) opened.open = true;
      if (failed) return;
      for (const form of element.querySelectorAll("form")) form.reset();
    },
  };
})();
