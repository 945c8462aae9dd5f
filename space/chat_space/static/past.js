/* The History tab: a version chosen by slider, number or moment. One look is under way at a time;
   what is chosen meanwhile is looked at next. */
(() => {
  if (window.past) return;
  const SETTLES = 150; // ms in which a slider that moves is followed by no look
  const GIVEN_UP = 15000; // ms after which a look that had no answer holds up no other

  let wanted = null; // what is to be looked at and hasn't been asked for
  let askedAt = 0;
  let moment = ""; // what was asked for by moment, and is shown by it
  let stepped = null; // the button that chose, which is disabled at either end
  let timer = 0;
  let ask = () => {};

  function want(data) {
    wanted = data;
    clearTimeout(timer);
    timer = setTimeout(next, SETTLES);
  }
  function next() {
    if (!wanted || Date.now() - askedAt < GIVEN_UP) return;
    const data = wanted;
    wanted = null;
    askedAt = Date.now();
    moment = data.at ?? "";
    space.act(() => ask(data));
  }
  const frame = (element) => element.querySelector(".cs-history");
  const sliderOf = (element) => element.querySelector('input[type="range"]');
  function chosen(element, version) {
    for (const input of element.querySelectorAll("[data-version-input]")) input.value = version;
    want({ version: String(version) });
  }

  window.past = {
    history(element, look, back) {
      ask = look;
      element.addEventListener("input", (event) => {
        const field = event.target;
        if (field.matches("[data-moment-input]") && field.value) want({ at: field.value });
        if (!field.matches("[data-version-input]") || field.value === "") return;
        chosen(element, Math.max(0, Math.trunc(Number(field.value))));
      });
      element.addEventListener("click", (event) => {
        stepped = event.target.closest("[data-by]");
        const { value, max } = sliderOf(element);
        const version = Number(value) + Number(stepped?.dataset.by);
        if (stepped) chosen(element, Math.max(0, Math.min(Number(max), version)));
        const button = event.target.closest("[data-back]");
        if (!button) return;
        button.disabled = true;
        space.awaitCard();
        space.act(() => back({ version: frame(element).dataset.version }));
      });
      element.addEventListener("submit", (event) => event.preventDefault());
    },
    looked(element) {
      askedAt = 0;
      if (wanted) return next();
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
