const phones = [...document.querySelectorAll("article .phone")];
const large = document.getElementById("large");
let shown = 0;
function show(number) {
  shown = (number + phones.length) % phones.length;
  large.firstElementChild.innerHTML = phones[shown].innerHTML;
}
phones.forEach((phone, number) => phone.addEventListener("click", () => { show(number); large.showModal(); }));
large.addEventListener("click", () => large.close());
large.addEventListener("close", () => phones[shown].scrollIntoView({ block: "nearest" }));
document.addEventListener("keydown", (key) => {
  if (!large.open) return;
  if (key.key === "ArrowRight") show(shown + 1);
  if (key.key === "ArrowLeft") show(shown - 1);
});
