/* The form of inputs that is open in a card. What is typed there is sent whole, as another proposal. */
(() => {
  if (window.edits) return;
  let edited = null; // the card's id
  let typed = null; // what its fields hold, for they are made anew with each answer
  let lastBefore = null; // the last card's id when the form was sent; another one is the answer

  const cardsOf = (element) => [...element.querySelectorAll(".cs-plan")];
  const lastOf = (element) => cardsOf(element).at(-1)?.dataset.card;

  window.edits = {
    open(card, open) {
      edited = open ? card.dataset.card : null;
      typed = lastBefore = null; // the answer to another form leaves this one as it is
      edits.show(card.parentElement);
      const form = card.querySelector(".cs-edit");
      form.reset();
      (open ? form.querySelector(".cs-field") : card.querySelector('[data-verb="edit"]')).focus();
    },
    /* Open what is being edited; the form that was sent and had no answer, or null. */
    show(element) {
      const wasSent = lastBefore !== null;
      if (wasSent && lastOf(element) !== lastBefore) edited = null;
      for (const card of cardsOf(element))
        card.classList.toggle("cs-editing", card.dataset.card === edited);
      const form = element.querySelector(".cs-editing .cs-edit");
      for (const [name, value] of form && typed ? typed : [])
        form.elements.namedItem(name).value = value;
      return wasSent ? form : null;
    },
    settle() {
      lastBefore = null;
    },
    /* Show what the card says of what was typed. */
    goBackTo(form) {
      (form.closest(".cs-plan").querySelector(".cs-outcome") ?? form).scrollIntoView({ block: "nearest" });
      form.querySelector(".cs-field").focus({ preventScroll: true });
    },
    listen(element, revise) {
      element.addEventListener("input", (event) => {
        typed = new FormData(event.target.form);
      });
      element.addEventListener("submit", (event) => {
        event.preventDefault();
        const form = event.target;
        const card = form.closest(".cs-plan");
        if (card.classList.contains("cs-busy")) return;
        card.classList.add("cs-busy");
        lastBefore = lastOf(element);
        revise(form.dataset.cardId, JSON.stringify(Object.fromEntries(new FormData(form))));
      });
    },
  };
})();
