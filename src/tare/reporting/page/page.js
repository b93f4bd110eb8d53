// What every page does without a plotting library: it names tables that scroll, and shows everything folded when it is printed.
const folds = [...document.querySelectorAll("details")];
const measure = () => document.querySelectorAll(".scroll").forEach((box) => {
  const hint = box.previousElementSibling;
  if (!hint || !hint.classList.contains("hint")) return;
  hint.classList.remove("needed"); // a table that scrolls is laid out otherwise
  hint.classList.toggle("needed", box.scrollWidth > box.clientWidth + 1);
});
const unfold = () => {
  const named = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (named && named.closest("details")) { named.closest("details").open = true; named.scrollIntoView(); }
};
let closed = [];
addEventListener("beforeprint", () => { closed = folds.filter((fold) => !fold.open); for (const fold of closed) fold.open = true; });
addEventListener("afterprint", () => { for (const fold of closed) fold.open = false; });
addEventListener("resize", measure);
addEventListener("hashchange", unfold);
for (const fold of folds) fold.addEventListener("toggle", measure);
measure();
unfold();
