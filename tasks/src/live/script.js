// A device's screen on a canvas: its pictures as they change, and touches, wheels, keys and text to it.
class LiveScreen {
  constructor(canvas, status) {
    this.canvas = canvas;
    this.status = status;
    this.can = canvas.dataset;
    this.touch = canvas.parentElement.querySelector(".finger");
    this.panel = canvas.closest("[data-panel]") ?? document;
    this.frame = 0;
    this.screen = null;
    this.ended = false;
    this.waiting = 0;
    this.queue = Promise.resolve();
    this.stop = new AbortController();
  }

  end() {
    this.ended = true;
    this.stop.abort();
  }

  say(words) {
    this.status.textContent = words;
    this.status.hidden = words === "";
  }

  // Pictures, as they change.
  async follow() {
    const { canvas, status } = this;
    while (!this.ended) {
      try {
        const response = await fetch(`frame?after=${this.frame}&wait=20`, { cache: "no-store", signal: this.stop.signal });
        if (response.status === 409) { this.ended = true; break; }
        if (!response.ok) throw new Error(response.status);
        if (response.status === 204) continue;
        this.frame = Number(response.headers.get("tapwright-frame"));
        const of = response.headers.get("tapwright-screen");
        if (of === null) {
          this.say(`There is no picture: ${(await response.json()).unseen}`);
          continue;
        }
        this.draw(await createImageBitmap(await response.blob()), JSON.parse(of));
        canvas.dataset.frame = this.frame;
        if (status.textContent.startsWith("There is no picture") || status.dataset.away !== undefined) this.say("");
        delete status.dataset.away;
      } catch {
        if (this.ended) break;
        status.dataset.away = "";
        this.say("Nothing answers here: the program has ended, or the network is gone.");
        await new Promise((done) => setTimeout(done, 2000));
      }
    }
  }

  draw(picture, screen) {
    const { canvas } = this;
    this.screen = screen;
    if (canvas.width !== picture.width) canvas.width = picture.width;
    if (canvas.height !== picture.height) canvas.height = picture.height;
    canvas.getContext("2d").drawImage(picture, 0, 0);
    picture.close();
  }

  // One after the other, as they were made; the oldest are not done twice, and what would come too late is not done at all.
  send(input) {
    if (this.ended || this.waiting >= 12) return;
    this.waiting += 1;
    this.queue = this.queue.then(async () => {
      try {
        const body = JSON.stringify(input);
        const response = await fetch("input", { method: "POST", headers: { "content-type": "application/json" }, body });
        this.say(response.ok ? "" : (await response.json()).error);
      } catch {
        this.say("Nothing answers here: this was not done, or nobody knows.");
      }
      this.waiting -= 1;
    });
  }

  // Where an event is, in the screen's pixels.
  place(event) {
    const { canvas } = this;
    const box = canvas.getBoundingClientRect();
    const inside = (at, length) => Math.max(0, Math.min(length - 1, Math.floor(at * length)));
    return {
      x: inside((event.clientX - box.left) / box.width, canvas.width),
      y: inside((event.clientY - box.top) / box.height, canvas.height),
    };
  }

  // Shows where the finger is, or takes that away.
  mark(finger) {
    const { canvas, touch } = this;
    touch.toggleAttribute("hidden", finger === null); // Of SVG it is no property.
    if (finger === null) return;
    touch.setAttribute("viewBox", `0 0 ${canvas.width} ${canvas.height}`);
    const [line, dot] = touch.children;
    const unit = canvas.width / 100;
    dot.setAttribute("cx", finger.to.x); dot.setAttribute("cy", finger.to.y); dot.setAttribute("r", 4 * unit);
    line.setAttribute("x1", finger.from.x); line.setAttribute("y1", finger.from.y);
    line.setAttribute("x2", finger.to.x); line.setAttribute("y2", finger.to.y);
  }

  takeFingers() {
    const { canvas } = this;
    let finger = null;
    const lift = () => { finger = null; this.mark(null); };
    canvas.addEventListener("pointerdown", (event) => {
      if (this.screen === null || event.button !== 0 || finger !== null) return;
      event.preventDefault();
      canvas.focus({ preventScroll: true });
      canvas.setPointerCapture(event.pointerId);
      const from = this.place(event);
      finger = { id: event.pointerId, from, to: from, began: event.timeStamp, moved: null, of: this.screen };
      this.mark(finger);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (finger?.id !== event.pointerId) return;
      finger.to = this.place(event);
      // Nearer than this a finger has not moved.
      const way = Math.hypot(finger.to.x - finger.from.x, finger.to.y - finger.from.y);
      if (finger.moved === null && way > canvas.width / 45) finger.moved = event.timeStamp;
      this.mark(finger);
    });
    canvas.addEventListener("pointerup", (event) => {
      if (finger?.id !== event.pointerId) return;
      this.sendTouch(finger, this.place(event), event.timeStamp);
      lift();
    });
    canvas.addEventListener("pointercancel", lift);
    canvas.addEventListener("contextmenu", (event) => {
      event.preventDefault();
      if (this.screen !== null && event.pointerType !== "touch") this.send({ do: "menu", ...this.place(event), of: this.screen });
    });
  }

  // What a finger did that is lifted: it presses long after this time, and what moves after that is carried.
  sendTouch({ from, began, moved, of }, to, now) {
    const long = 500;
    const rested = (moved ?? now) - began;
    if (moved === null) {
      this.send(rested < long ? { do: "tap", ...from, of } : { do: "long_press", ...from, ms: Math.round(rested), of });
    } else {
      const ms = Math.round(now - moved);
      this.send({ do: rested < long ? "swipe" : "drag", ...from, to_x: to.x, to_y: to.y, ms, of });
    }
  }

  takeWheel() {
    const { canvas } = this;
    let wheel = null;
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      if (this.screen === null) return;
      const scale = canvas.width / canvas.getBoundingClientRect().width * (event.deltaMode === 1 ? 30 : 1);
      if (wheel === null) {
        wheel = { do: "wheel", ...this.place(event), right: 0, down: 0, of: this.screen };
        setTimeout(() => { this.send(wheel); wheel = null; }, 120);
      }
      wheel.right += event.deltaX * scale;
      wheel.down += event.deltaY * scale;
    }, { passive: false });
  }

  // What is typed goes to the screen unless a field of the page has the focus; letters that come together are sent together.
  takeKeys() {
    const { can } = this;
    const named = ["Enter", "Backspace", "Delete", "ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Home", "End", "PageUp", "PageDown", "Escape"];
    const clipboard = ["a", "c", "v", "x"];
    let letters = "";
    const flush = () => {
      if (letters !== "") this.send({ do: "text", text: letters });
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
        return this.send({ do: "key", key: key.toLowerCase(), modifiers: ["control"] });
      }
      if (named.includes(key) && (can.keys !== undefined || key === "Enter")) {
        event.preventDefault();
        flush();
        // Escape is what a phone takes for Back.
        return this.send(key === "Escape" && can.pointer === undefined ? { do: "back" } : { do: "key", key });
      }
      if ([...key].length === 1 && can.insert !== undefined) {
        event.preventDefault();
        if (letters === "") setTimeout(flush, 90);
        letters += key;
      }
    }, { signal: this.stop.signal });
  }

  // The buttons beside the screen, and the field for whole texts.
  takeControls() {
    const { signal } = this.stop;
    this.panel.querySelectorAll("[data-do]").forEach((button) => {
      button.addEventListener("click", () => this.send({ do: button.dataset.do }), { signal });
    });
    const form = this.panel.querySelector("form.typing");
    form?.addEventListener("submit", (event) => {
      event.preventDefault();
      const field = form.querySelector("input");
      if (field.value !== "") this.send({ do: "text", text: field.value });
      if (event.submitter?.value === "enter") this.send({ do: "key", key: "Enter" });
      field.value = "";
    }, { signal });
  }
}

// Returns what ends it.
function live(canvas, status) {
  const screen = new LiveScreen(canvas, status);
  screen.takeFingers();
  screen.takeWheel();
  screen.takeKeys();
  screen.takeControls();
  screen.follow();
  return () => screen.end();
}
