// The checkboxes of the strategies select what all charts and tables show; one field filters all tables, and each sorts by itself.
// The page sends no request.
const views = [];
const boxes = [...document.querySelectorAll("input[name=strategy]")];
const shown = () => boxes.filter((box) => box.checked).map((box) => box.value);

function draw(view) {
  try { view.signal("shown", shown()).runAsync(); } catch { /* a chart without strategies */ }
}

document.addEventListener("tare:drawn", (event) => { views.push(event.detail); draw(event.detail); });
for (const box of boxes) box.addEventListener("change", () => { views.forEach(draw); filter(); });

const tables = [...document.querySelectorAll("table.sorted")];
const rows = tables.flatMap((table) => [...table.tBodies[0].rows]);
const search = document.getElementById("search");
const count = document.getElementById("count");

function filter() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const kept = new Set(shown());
  let left = 0;
  for (const row of rows) {
    const text = row.textContent.toLowerCase();
    row.hidden = !(kept.has(row.dataset.strategy) && words.every((word) => text.includes(word)));
    left += row.hidden ? 0 : 1;
  }
  count.textContent = `${left} of ${rows.length} rows`;
}
search.addEventListener("input", filter);

function key(row, column) {
  const cell = row.cells[column];
  return cell.dataset.value === undefined ? cell.textContent : Number(cell.dataset.value);
}

// Sorts numbers by value, cells without a number last in both directions, and keeps the order of equal rows.
function compare(a, b, sign) {
  if (typeof a === "string") return sign * a.localeCompare(b, undefined, { numeric: true });
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) - Number.isNaN(b);
  return sign * (a - b);
}

function sort(table, event) {
  const button = event.target.closest("button");
  if (!button) return;
  const heading = button.parentElement;
  const down = heading.getAttribute("aria-sort") === "ascending";
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", down ? "descending" : "ascending");
  const own = [...table.tBodies[0].rows];
  own.sort((a, b) => compare(key(a, heading.cellIndex), key(b, heading.cellIndex), down ? -1 : 1));
  table.tBodies[0].append(...own);
}
for (const table of tables) table.tHead.addEventListener("click", (event) => sort(table, event));
filter();
