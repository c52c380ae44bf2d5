const phones = [...document.querySelectorAll("article .phone")];
const large = document.getElementById("large");
const [frame, caption] = large.children;
let shown = 0;
function show(number) {
  shown = (number + phones.length) % phones.length;
  const card = phones[shown].closest("article");
  frame.innerHTML = phones[shown].innerHTML;
  caption.textContent = [card.querySelector("h2 b"), card.querySelector("code")].filter(Boolean).map((part) => part.textContent).join("  ");
}
phones.forEach((phone, number) => phone.addEventListener("click", () => { show(number); large.showModal(); }));
let from = null;
large.addEventListener("pointerdown", (touch) => { from = touch.clientX; });
large.addEventListener("click", (touch) => {
  const way = from === null ? 0 : touch.clientX - from;
  from = null;
  if (Math.abs(way) > 40) show(shown + (way < 0 ? 1 : -1)); else large.close();
});
large.addEventListener("close", () => phones[shown].scrollIntoView({ block: "nearest" }));
document.addEventListener("keydown", (key) => {
  if (!large.open) return;
  if (key.key === "ArrowRight") show(shown + 1);
  if (key.key === "ArrowLeft") show(shown - 1);
});
