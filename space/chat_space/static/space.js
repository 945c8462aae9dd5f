/* The page's own script: theme, session end, and the listeners of the Gradio HTML components.
   It holds no data; whatever it sends is checked again by the API. */
(() => {
  if (window.space) return;
  const root = document.currentScript?.dataset.root ?? "";
  const REFRESH_AFTER = 5000; // ms between two readings of the state on coming back
  const LONGEST = 4000; // characters of a message

  /* Theme: the person's choice is kept; without one the system decides. */
  const chosen = () => localStorage.getItem("cs-theme");
  const systemDark = matchMedia("(prefers-color-scheme: dark)");
  function applyTheme() {
    const dark = (chosen() ?? (systemDark.matches ? "dark" : "light")) === "dark";
    if (document.body && document.body.classList.contains("dark") !== dark)
      document.body.classList.toggle("dark", dark);
  }
  function toggleTheme() {
    localStorage.setItem("cs-theme", document.body.classList.contains("dark") ? "light" : "dark");
    applyTheme();
  }
  function watchTheme() {
    applyTheme();
    new MutationObserver(applyTheme).observe(document.body, { attributeFilter: ["class"] });
    systemDark.addEventListener("change", applyTheme);
  }

  /* A session that ends: ask to sign in on top of the page. What was under way waits meanwhile and
     is sent again afterwards: Gradio would take a 401 for a lost connection and reload the page. */
  const plainFetch = window.fetch.bind(window);
  let signedIn = null; // a promise while the dialog is open
  window.fetch = async (...args) => {
    try {
      const response = await plainFetch(...args);
      if (response.status !== 401) return response;
      await askToSignIn();
      return await plainFetch(...args);
    } catch (error) {
      if (String(args[0]?.url ?? args[0]).includes("/queue/join")) giveBack();
      throw error;
    }
  };
  const DIALOG = `<form method="dialog"><h2>Your session has ended</h2>
    <p>Sign in again to go on. What you typed is still here.</p><p class="cs-alert" role="alert" hidden></p>
    <label for="cs-again-name">Username</label>
    <input id="cs-again-name" name="username" autocomplete="username" autocapitalize="none" required>
    <label for="cs-again-password">Password</label>
    <input id="cs-again-password" name="password" type="password" autocomplete="current-password" required>
    <button class="cs-primary" type="submit">Sign in</button></form>`;
  /* Whose page this is, from its header: user and organization, by id and by name. */
  const holder = () => {
    const top = document.querySelector(".cs-top[data-user]");
    return top ? { ...top.dataset } : null;
  };
  let lastHolder = null;

  function askToSignIn() {
    return (signedIn ??= new Promise((resolve) => {
      const dialog = document.createElement("dialog");
      dialog.className = "cs-dialog cs-panel";
      dialog.dataset.testid = "session-ended";
      dialog.innerHTML = DIALOG;
      dialog.addEventListener("cancel", (event) => event.preventDefault());
      dialog.addEventListener("close", () => {
        dialog.remove();
        signedIn = null;
        resolve();
      });
      dialog.querySelector("form").addEventListener("submit", (event) => {
        event.preventDefault();
        signInAgain(dialog, event.target);
      });
      document.body.append(dialog);
      dialog.showModal();
    }));
  }

  async function signInAgain(dialog, form) {
    const alert = form.querySelector(".cs-alert");
    const body = new URLSearchParams(new FormData(form));
    if (lastHolder) body.set("organization", lastHolder.organization);
    const response = await plainFetch(`${root}/login`, {
      method: "POST",
      headers: { accept: "application/json" },
      body,
    }).catch(() => null);
    const answer = response ? await response.json().catch(() => ({})) : {};
    if (answer.code === "password_change_required") return location.assign(`${root}/password`);
    if (!response?.ok) {
      alert.textContent = answer.detail ?? "The service can't be reached. Try again shortly.";
      alert.hidden = false;
      return;
    }
    const same =
      answer.user?.id === lastHolder?.user &&
      answer.organization?.id === lastHolder?.organizationId;
    if (!lastHolder || !same) {
      sent = ""; // what somebody else typed is no draft of theirs
      return location.reload();
    }
    signedInAt = performance.now();
    dialog.close();
  }

  /* The message box. What is sent stands as a bubble until the answer, and comes back without one. */
  let sent = null;
  let sendAgain = () => {};
  let actedAt = 0;
  let signedInAt = -1;
  const box = () => document.querySelector("#cs-message");
  const pending = () => document.querySelector(".cs-pending");

  /* A message is whole or it is not sent: a number that lost its end would be another number. */
  function isTooLong(text) {
    const over = text.trim().length - LONGEST;
    const count = `${over} character${over === 1 ? "" : "s"}`;
    const told = `This is ${count} too long: write at most ${LONGEST}.`;
    box().setCustomValidity(over > 0 ? told : "");
    return !box().reportValidity();
  }
  function send(text, trigger) {
    if (!text.trim() || sent !== null || isTooLong(text)) return;
    sent = text;
    pending().querySelector("p").textContent = text;
    pending().hidden = false;
    box().value = "";
    document.querySelector(".cs-send").disabled = true;
    pending().scrollIntoView({ block: "nearest" });
    sendAgain = () => trigger({ text });
    act(sendAgain);
  }
  function settle() {
    sent = null;
    edits.settle();
    if (!pending()) return;
    pending().hidden = true;
    document.querySelector(".cs-send").disabled = false;
    document.querySelectorAll(".cs-busy").forEach((card) => card.classList.remove("cs-busy"));
  }
  function giveBack() {
    if (sent !== null && box() && !box().value) box().value = sent;
    settle();
  }
  function showLatest(element) {
    const thread = element.querySelector(".cs-thread");
    const last = thread?.querySelector(":scope > :is(.cs-plan, .cs-said):last-of-type");
    const turns = thread ? [...thread.querySelectorAll(":scope > :is(.cs-plan, .cs-said)")] : [];
    const latest = turns.at(-1) ?? last;
    if (!latest || turns.length < 2) return;
    const scroller = element.closest("#cs-conversation") ?? element;
    scroller.scrollTo({ top: scroller.scrollHeight });
    if (getComputedStyle(scroller).overflowY === "visible")
      latest.scrollIntoView({ block: "nearest" });
  }

  /* The button that the keyboard pressed is gone with the answer: its card gets the focus. */
  let byKeyboard = null;
  function goBackTo(element) {
    const cards = [...element.querySelectorAll("[data-card]")];
    const named = cards.find((card) => card.dataset.card === byKeyboard);
    const card = byKeyboard === "latest" ? cards.at(-1) : named;
    byKeyboard = null;
    card?.querySelector("h3").focus({ preventScroll: true });
  }

  /* An event got as far as the API and met the session's end there: ask it again afterwards. It
     may tell so late, when somebody has signed in again already. */
  let goingOn = false;
  async function goOnSignedIn() {
    if (goingOn) return;
    goingOn = true;
    if (actedAt >= signedInAt) await askToSignIn();
    goingOn = false;
    if (sent !== null) return setTimeout(act, 0, sendAgain);
    settle();
    looks.again();
    refreshState(true);
  }
  function act(event) {
    actedAt = performance.now();
    event();
  }

  let askState = null;
  let lastRefresh = Date.now();
  function refreshState(now) {
    if (!askState || document.hidden || sent !== null) return;
    if (!now && Date.now() - lastRefresh < REFRESH_AFTER) return;
    lastRefresh = Date.now();
    act(askState);
  }

  let sendMessage = () => {};
  window.space = {
    act,
    started(element) {
      lastHolder = holder() ?? lastHolder;
      new MutationObserver(() => {
        lastHolder = holder() ?? lastHolder;
        if (element.querySelector('[data-session="ended"]')) goOnSignedIn();
      }).observe(element, { childList: true, subtree: true, attributes: true });
    },
    state(trigger) {
      askState = trigger;
      addEventListener("focus", () => refreshState(false));
      document.addEventListener("visibilitychange", () => refreshState(false));
    },
    composer(element, trigger) {
      sendMessage = (text) => send(text, trigger);
      box().value = sessionStorage.getItem("cs-draft") ?? "";
      addEventListener("pagehide", () =>
        sessionStorage.setItem("cs-draft", sent ?? box()?.value ?? ""),
      );
      element.addEventListener("submit", (event) => {
        event.preventDefault();
        sendMessage(box().value);
      });
      element.addEventListener("input", () => box().setCustomValidity(""));
      element.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
        event.preventDefault();
        sendMessage(box().value);
      });
    },
    conversation(element, trigger) {
      element.addEventListener("click", (event) => {
        const ask = event.target.closest("[data-ask]");
        if (ask) return sendMessage(ask.dataset.ask);
        const again = event.detail > 1 && event.target.closest(".cs-plan button");
        if (again) return event.preventDefault(); // it was meant for what stood there before
        const button = event.target.closest("[data-verb]");
        const card = button?.closest(".cs-plan");
        if (!button || card.classList.contains("cs-busy")) return;
        const { verb, cardId, given = "" } = button.dataset;
        if (verb === "edit" || verb === "keep") return edits.open(card, verb === "edit");
        card.classList.add("cs-busy");
        byKeyboard = event.detail !== 0 ? null : verb === "use" ? "latest" : cardId;
        act(() => trigger({ verb, card: cardId, given }));
      });
      edits.listen(element, (card, given) => {
        byKeyboard = "latest";
        act(() => trigger({ verb: "revise", card, given }));
      });
    },
    answered(element) {
      const spoke = sent !== null;
      const refused = edits.show(element);
      settle();
      requestAnimationFrame(() => {
        if (refused && !spoke) {
          byKeyboard = null;
          return edits.goBackTo(refused);
        }
        showLatest(element);
        if (spoke && matchMedia("(min-width: 761px)").matches) box()?.focus();
        if (!spoke) goBackTo(element);
      });
    },
    failed: giveBack,
    awaitCard() {
      byKeyboard = "latest";
    },
    name(project) {
      const address = new URL(location.href);
      if (!project || address.searchParams.get("project") === project) return;
      address.searchParams.set("project", project);
      history.replaceState(history.state, "", address);
    },
  };

  document.addEventListener("click", (event) => {
    if (event.target.closest?.("[data-theme-toggle]")) toggleTheme();
  });
  document.addEventListener("change", (event) => {
    if (event.target.dataset?.switch !== "project") return;
    const address = new URL(location.href);
    address.searchParams.set("project", event.target.value);
    location.assign(address);
  });
  function start() {
    watchTheme();
    const framed = document.querySelector(".cs-framed");
    if (framed && self !== top) framed.hidden = false;
  }
  if (document.body) start();
  else document.addEventListener("DOMContentLoaded", start);
})();
