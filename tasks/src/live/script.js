// A device's screen on a canvas: its pictures as they change, and touches, wheels, keys and text to it. Returns what ends it.
function live(canvas, status) {
  const can = canvas.dataset;
  const context = canvas.getContext("2d");
  const touch = canvas.parentElement.querySelector(".finger");
  let [shown, screen, ended, waiting, queue] = [0, null, false, 0, Promise.resolve()];
  const stop = new AbortController();
  const say = (words) => { status.textContent = words; status.hidden = words === ""; };

  async function look() {
    while (!ended) {
      try {
        const response = await fetch(`frame?after=${shown}&wait=20`, { cache: "no-store", signal: stop.signal });
        if (response.status === 409) { ended = true; break; }
        if (!response.ok) throw new Error(response.status);
        if (response.status === 204) continue;
        shown = Number(response.headers.get("tapwright-frame"));
        const of = response.headers.get("tapwright-screen");
        if (of === null) {
          say(`There is no picture: ${(await response.json()).unseen}`);
          continue;
        }
        const picture = await createImageBitmap(await response.blob());
        screen = JSON.parse(of);
        if (canvas.width !== picture.width) canvas.width = picture.width;
        if (canvas.height !== picture.height) canvas.height = picture.height;
        context.drawImage(picture, 0, 0);
        picture.close();
        canvas.dataset.frame = shown;
        if (status.textContent.startsWith("There is no picture") || status.dataset.away !== undefined) say("");
        delete status.dataset.away;
      } catch {
        if (ended) break;
        status.dataset.away = "";
        say("Nothing answers here: the program has ended, or the network is gone.");
        await new Promise((done) => setTimeout(done, 2000));
      }
    }
  }

  // One after the other, as they were made; the oldest are not done twice, and what would come too late is not done at all.
  function send(input) {
    if (ended || waiting >= 12) return;
    waiting += 1;
    queue = queue.then(async () => {
      try {
        const body = JSON.stringify(input);
        const response = await fetch("input", { method: "POST", headers: { "content-type": "application/json" }, body });
        say(response.ok ? "" : (await response.json()).error);
      } catch {
        say("Nothing answers here: this was not done, or nobody knows.");
      }
      waiting -= 1;
    });
  }

  const place = (event) => {
    const box = canvas.getBoundingClientRect();
    const inside = (at, length) => Math.max(0, Math.min(length - 1, Math.floor(at * length)));
    return {
      x: inside((event.clientX - box.left) / box.width, canvas.width),
      y: inside((event.clientY - box.top) / box.height, canvas.height),
    };
  };
  const mark = (at) => {
    touch.toggleAttribute("hidden", at === null); // Of SVG it is no property.
    if (at === null) return;
    touch.setAttribute("viewBox", `0 0 ${canvas.width} ${canvas.height}`);
    const [line, dot] = touch.children;
    const unit = canvas.width / 100;
    dot.setAttribute("cx", at.to.x); dot.setAttribute("cy", at.to.y); dot.setAttribute("r", 4 * unit);
    line.setAttribute("x1", at.from.x); line.setAttribute("y1", at.from.y);
    line.setAttribute("x2", at.to.x); line.setAttribute("y2", at.to.y);
  };

  // Nearer than this a finger has not moved; longer than that it presses long.
  const slop = () => canvas.width / 45;
  const long = 500;
  let finger = null;
  const far = (at) => Math.hypot(at.x - finger.from.x, at.y - finger.from.y) > slop();
  canvas.addEventListener("pointerdown", (event) => {
    if (screen === null || event.button !== 0 || finger !== null) return;
    event.preventDefault();
    canvas.focus({ preventScroll: true });
    canvas.setPointerCapture(event.pointerId);
    const from = place(event);
    finger = { id: event.pointerId, from, to: from, began: event.timeStamp, moved: null, of: screen };
    mark(finger);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (finger?.id !== event.pointerId) return;
    finger.to = place(event);
    if (finger.moved === null && far(finger.to)) finger.moved = event.timeStamp;
    mark(finger);
  });
  canvas.addEventListener("pointerup", (event) => {
    if (finger?.id !== event.pointerId) return;
    const { from, began, moved, of } = finger;
    const to = place(event);
    const rested = (moved ?? event.timeStamp) - began;
    if (moved === null) {
      send(rested < long ? { do: "tap", ...from, of } : { do: "long_press", ...from, ms: Math.round(rested), of });
    } else {
      const ms = Math.round(event.timeStamp - moved);
      send({ do: rested < long ? "swipe" : "drag", ...from, to_x: to.x, to_y: to.y, ms, of });
    }
    finger = null;
    mark(null);
  });
  canvas.addEventListener("pointercancel", () => { finger = null; mark(null); });
  canvas.addEventListener("contextmenu", (event) => {
    event.preventDefault();
    if (screen !== null && event.pointerType !== "touch") send({ do: "menu", ...place(event), of: screen });
  });
  let wheel = null;
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    if (screen === null) return;
    const scale = canvas.width / canvas.getBoundingClientRect().width * (event.deltaMode === 1 ? 30 : 1);
    if (wheel === null) {
      wheel = { do: "wheel", ...place(event), right: 0, down: 0, of: screen };
      setTimeout(() => { send(wheel); wheel = null; }, 120);
    }
    wheel.right += event.deltaX * scale;
    wheel.down += event.deltaY * scale;
  }, { passive: false });

  // What is typed goes to the screen unless a field of the page has the focus; letters that come together are sent together.
  const named = ["Enter", "Backspace", "Delete", "ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Home", "End", "PageUp", "PageDown", "Escape"];
  const clipboard = ["a", "c", "v", "x"];
  let letters = "";
  const flush = () => {
    if (letters !== "") send({ do: "text", text: letters });
    letters = "";
  };
  const isOurs = (event) => !["INPUT", "TEXTAREA", "BUTTON", "A", "SELECT"].includes(event.target.tagName);
  document.addEventListener("keydown", (event) => {
    if (!isOurs(event) || event.isComposing || event.altKey || event.metaKey) return;
    const key = event.key;
    if (event.ctrlKey) {
      if (can.keys === undefined || !clipboard.includes(key.toLowerCase())) return;
      event.preventDefault();
      flush();
      return send({ do: "key", key: key.toLowerCase(), modifiers: ["control"] });
    }
    if (named.includes(key) && (can.keys !== undefined || key === "Enter")) {
      event.preventDefault();
      flush();
      // Escape is what a phone takes for Back.
      return send(key === "Escape" && can.pointer === undefined ? { do: "back" } : { do: "key", key });
    }
    if ([...key].length === 1 && can.insert !== undefined) {
      event.preventDefault();
      if (letters === "") setTimeout(flush, 90);
      letters += key;
    }
  }, { signal: stop.signal });

  const panel = canvas.closest("[data-panel]") ?? document;
  panel.querySelectorAll("[data-do]").forEach((button) => {
    button.addEventListener("click", () => send({ do: button.dataset.do }), { signal: stop.signal });
  });
  const form = panel.querySelector("form.typing");
  form?.addEventListener("submit", (event) => {
    event.preventDefault();
    const field = form.querySelector("input");
    if (field.value !== "") send({ do: "text", text: field.value });
    if (event.submitter?.value === "enter") send({ do: "key", key: "Enter" });
    field.value = "";
  }, { signal: stop.signal });

  look();
  return () => { ended = true; stop.abort(); };
}
