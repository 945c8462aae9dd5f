/* The audit trail: the log's filters. */
(() => {
  if (window.trail) return;

  window.trail = {
    activity(element, older, filter) {
      element.addEventListener("click", (event) => {
        if (event.target.closest("[data-older]")) space.act(older);
        if (event.target.closest("[data-reset]")) space.act(() => filter({}));
      });
      element.addEventListener("submit", (event) => {
        event.preventDefault();
        const data = Object.fromEntries(new FormData(event.target));
        space.act(() => filter(data));
      });
    },
    /* What was answered is what the fields show. */
    filtered(element) {
      element.querySelector(".cs-filters")?.reset();
    },
  };
})();
