/* Looks at one place of the page, one under way at a time: what is asked meanwhile is asked next. So
   no late answer takes the place of a newer one, and what goes on goes on from what is shown. */
(() => {
  if (window.looks) return;
  const GIVEN_UP = 15000; // ms after which a look that had no answer holds up no other
  const places = new Map();
  const early = new Set(); // names of places that were opened before they were there

  /* `show` asks for what a place shows when it is opened. */
  function at(name, element, show) {
    let next = null; // what is to be asked and hasn't been
    let asked = null; // what has had no answer
    let timer = 0; // runs while a look is under way
    function go() {
      timer = setTimeout(free, GIVEN_UP);
      element.ariaBusy = "true";
      [asked, next] = [next, null];
      space.act(asked);
    }
    function free() {
      clearTimeout(timer);
      timer = 0;
      element.ariaBusy = "false";
      if (next) go();
    }
    const place = {
      /* Take the place of what is to be asked next. */
      ask(event) {
        next = event;
        if (!timer) go();
      },
      /* Go on from what is shown, unless something else is asked first. */
      goOn(event) {
        if (!next) place.ask(event);
      },
      open: () => place.goOn(show),
      /* Whether another look follows. */
      answered() {
        asked = null;
        free();
        return asked !== null;
      },
      again() {
        next ??= asked;
        free();
      },
    };
    places.set(name, place);
    if (early.delete(name)) place.open();
    return place;
  }

  window.looks = {
    at,
    open(name) {
      if (places.has(name)) places.get(name).open();
      else early.add(name);
    },
    /* Somebody has signed in again: ask for what had no answer. */
    again() {
      for (const place of places.values()) place.again();
    },
  };
})();
