/* The History tab: a version chosen by slider, number or moment. */
(() => {
  if (window.past) return;
  const SETTLES = 150; // ms in which a slider that moves is followed by no look

  let wanted = null; // what is chosen and doesn't stand still yet
  let moment = ""; // what was asked for by moment, and is shown by it
  let stepped = null; // the button that chose, which is disabled at either end
  let timer = 0;
  let place = null;
  let ask = () => {};

  function want(data) {
    wanted = data;
    clearTimeout(timer);
    timer = setTimeout(look, SETTLES);
  }
  function look() {
    clearTimeout(timer);
    const data = wanted;
    wanted = null;
    place.ask(() => {
      moment = data.at ?? "";
      ask(data);
    });
  }
  const frame = (element) => element.querySelector(".cs-history");
  const sliderOf = (element) => element.querySelector('input[type="range"]');
  function chosen(element, version) {
    for (const input of element.querySelectorAll("[data-version-input]")) input.value = version;
    want({ version: String(version) });
  }
  function step(element, by) {
    const { value, max } = sliderOf(element);
    chosen(element, Math.max(0, Math.min(Number(max), Number(value) + by)));
  }

  window.past = {
    history(element, show, trigger, back) {
      place = looks.at("history", element, show);
      ask = trigger;
      element.addEventListener("input", (event) => {
        const field = event.target;
        if (field.matches("[data-moment-input]") && field.value) want({ at: field.value });
        if (!field.matches("[data-version-input]") || field.value === "") return;
        chosen(element, Math.max(0, Math.trunc(Number(field.value))));
      });
      element.addEventListener("click", (event) => {
        stepped = event.target.closest("[data-by]");
        if (stepped) step(element, Number(stepped.dataset.by));
        const button = event.target.closest("[data-back]");
        if (!button) return;
        button.disabled = true;
        space.awaitCard();
        space.act(() => back({ version: frame(element).dataset.version }));
      });
      element.addEventListener("submit", (event) => event.preventDefault());
    },
    looked(element) {
      const more = place.answered();
      if (wanted) return look();
      if (more) return;
      const version = frame(element)?.dataset.version;
      for (const input of element.querySelectorAll("[data-version-input]")) input.value = version;
      const field = element.querySelector("[data-moment-input]");
      if (field) field.value = moment;
      moment = "";
      const button = element.querySelector("[data-back]");
      if (button) button.disabled = false;
      const lost = [document.body, stepped].includes(document.activeElement);
      if (stepped?.disabled && lost) sliderOf(element).focus();
    },
  };
})();
