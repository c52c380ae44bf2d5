// The page is written by the program; this only fetches it anew when there is something new, and puts it in place of what is there.
const away = document.querySelector(".away");
const pause = (ms) => new Promise((done) => setTimeout(done, ms));
let known = document.body.dataset.version;
let endLive = null;

function begin() {
  const canvas = document.querySelector("canvas");
  endLive = canvas === null ? null : live(canvas, document.querySelector(".trouble"));
}

// A picture that is there already stays, and another one is put in when it can be drawn at once.
async function prepare(main) {
  const shown = document.querySelector("figure img");
  for (const img of main.querySelectorAll("figure img")) {
    const source = img.getAttribute("src");
    if (shown !== null && shown.getAttribute("src") === source) {
      img.replaceWith(shown);
      continue;
    }
    const picture = new Image();
    for (const { name, value } of img.attributes) picture.setAttribute(name, value);
    await Promise.race([picture.decode().catch(() => {}), pause(1500)]);
    img.replaceWith(picture);
  }
}

async function show() {
  const response = await fetch("./", { cache: "no-store" });
  if (!response.ok) throw new Error(response.status);
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const asked = (from) => from.querySelector("main form [name=id]")?.value;
  const isSame = asked(document) !== undefined && asked(document) === asked(page);
  known = page.body.dataset.version;
  // What somebody is writing or touching stays.
  if (isSame) return;
  const main = document.adoptNode(page.querySelector("main"));
  await prepare(main);
  const steps = document.querySelector(".steps")?.scrollTop ?? 0;
  endLive?.();
  document.querySelector("main").replaceWith(main);
  document.title = page.title;
  const list = document.querySelector(".steps");
  if (list !== null) list.scrollTop = steps;
  begin();
}

// The program is about to be gone: there is nothing to fetch any more.
function end(told) {
  const over = document.querySelector(".over");
  const words = over.querySelector("b");
  words.textContent = told.headline;
  words.className = told.mood;
  over.hidden = false;
  document.title = "The run is over · Tapwright";
  // Nothing of the page says any more that something may be asked.
  const heading = document.querySelector(".idle h1");
  if (heading !== null) heading.textContent = "The run is over";
  const lead = document.querySelector(".asked .lead");
  if (lead !== null) lead.textContent = "This was asked last";
  document.querySelectorAll("form, .soft").forEach((part) => part.remove());
  endLive?.();
}

// In the end the program waits only a moment for whoever looks: who finds a connection closed tries again at once.
async function persistent(attempt) {
  for (let tries = 1; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (tries === 4) throw error;
      await pause(120);
    }
  }
}

async function watch() {
  for (;;) {
    try {
      const told = await persistent(async () => {
        const response = await fetch(`question?wait=50&version=${known}`, { cache: "no-store" });
        if (!response.ok) throw new Error(response.status);
        return response.json();
      });
      away.hidden = true;
      if (told.ended !== null) {
        document.body.dataset.over = "";
        return await persistent(show).catch(() => end(told));
      }
      if (String(told.version) !== known) await show();
      await pause(65);
    } catch {
      away.hidden = false;
      await pause(2000);
    }
  }
}

// One answer is enough. The button's name and value are sent first.
document.addEventListener("submit", (event) => {
  if (event.target.matches(".typing")) return;
  setTimeout(() => event.target.querySelectorAll("button").forEach((button) => { button.disabled = true; }));
});
begin();
if (document.body.dataset.over === undefined) watch();
