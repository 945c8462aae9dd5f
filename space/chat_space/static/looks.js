/* Looks at one place of the page, one under way at a time: what is asked meanwhile is asked next. So
   no late answer takes the place of a newer one, and what goes on goes on from what is shown. */
(() => {
  if (window.looks) return;
  const GIVEN_UP = 15000; // ms after which a look that had no answer holds up no other
  const places = [];

  function at(element) {
    let next = null; // what is to be asked and hasn't been
    let asked = null; // what has had no answer
    let timer = 0; // runs while a look is under way
    function began() {
      clearTimeout(timer);
      timer = setTimeout(free, GIVEN_UP);
      element.ariaBusy = "true";
    }
    function go() {
      began();
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
      began,
      /* Take the place of what is to be asked next. */
      ask(event) {
        next = event;
        if (!timer) go();
      },
      /* Go on from what is shown, unless something else is asked first. */
      goOn(event) {
        if (!next) place.ask(event);
      },
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
    places.push(place);
    return place;
  }

  window.looks = {
    at,
    /* Somebody has signed in again: ask for what had no answer. */
    again() {
      for (const place of places) place.again();
    },
  };
})();
