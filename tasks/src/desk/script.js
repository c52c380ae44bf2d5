// The page is written by the program; this only fetches it anew when there is something new.
const known = document.body.dataset.version;
const away = document.querySelector(".away");
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

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
}

async function watch() {
  for (;;) {
    try {
      const response = await fetch(`question?wait=50&version=${known}`, { cache: "no-store" });
      if (!response.ok) throw new Error(response.status);
      const told = await response.json();
      away.hidden = true;
      if (told.ended !== null) return end(told);
      if (String(told.version) !== known) return location.replace("./");
    } catch {
      away.hidden = false;
      await pause(2000);
    }
  }
}

// One answer is enough. The button's name and value are sent first.
document.querySelector("form")?.addEventListener("submit", (event) => {
  setTimeout(() => event.target.querySelectorAll("button").forEach((button) => { button.disabled = true; }));
});
if (document.body.dataset.over === undefined) watch();
