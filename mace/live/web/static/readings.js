// What the page says of a face, in words and bars: what moves now, and nothing where nothing does.

// A region or unit stays on the list for so long after it moved, so that it can be read.
const HELD_S = 1.5;
// How long after its offset an event is named beside the picture.
const NAMED_S = 3;
// Motion that fills a bar, px of the 128-px crop.
const FULL_PX = 1;
const REGIONS = 3;
const UNITS = 5;

export const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1);
const words = (name) => name.replaceAll("_", " ");

// What a face does now.
export function doing(face) {
  if (!face) return "No face";
  const { moving, status } = face;
  if (status !== "tracked" || !moving) return sentence(words(status));
  return moving.regions.length ? `Moves: ${words(moving.regions[0].name)}` : "No micro-movement";
}

// How far everything moves now: px by name, regions first.
export function moved(face) {
  const px = {};
  for (const { name, u, v } of face?.moving?.regions ?? []) px[sentence(words(name))] = Math.hypot(u, v);
  return { ...px, ...face?.moving?.units };
}

// An event in a line.
export function described(event) {
  if (!event.label) return event.kind;
  const units = (event.shown ?? []).map((unit) => ` AU${unit}`).join("");
  return `${event.kind}: ${event.label}, ${Math.round(100 * event.confidence)}\u00a0%${units}`;
}

// The events that are still named at `now`, of one person, the newest first.
export function named(events, person, now) {
  return events.filter((event) => event.identity === person && event.offset > now - NAMED_S && event.onset <= now).reverse();
}

// Keeps what moved for a moment, at its highest. `held` maps names to { px, peak, at }.
export function hold(held, px, now) {
  for (const [name, { at }] of held) if (at < now - HELD_S || at > now) held.delete(name);
  for (const [name, value] of Object.entries(px)) {
    held.set(name, { px: value, peak: Math.max(value, held.get(name)?.peak ?? 0), at: now });
  }
}

const isUnit = (name) => name.startsWith("AU");

// What moves now first, regions before units, the farthest of each first.
export function fillBars(container, held, now) {
  const rows = [...held].map(([name, { px, peak, at }]) => ({ name, now: at === now, px: at === now ? px : peak }));
  rows.sort((a, b) => isUnit(a.name) - isUnit(b.name) || b.now - a.now || b.px - a.px);
  const shown = [...rows.filter(({ name }) => !isUnit(name)).slice(0, REGIONS), ...rows.filter(({ name }) => isUnit(name)).slice(0, UNITS)];
  while (container.children.length > shown.length) container.lastChild.remove();
  shown.forEach(({ name, now: moves, px }, index) => {
    const bar = container.children[index] ?? container.appendChild(newBar());
    const [label, meter, value] = bar.children;
    writeIn(label, name);
    meter.ariaLabel = `Motion of ${name}, px`;
    meter.ariaValueNow = px.toFixed(2);
    meter.firstChild.style.width = `${100 * Math.min(px / FULL_PX, 1)}%`;
    writeIn(value, `${px.toFixed(2)} px`);
    bar.classList.toggle("best", moves);
  });
}

export function newBar(name = "") {
  const bar = document.createElement("div");
  bar.className = "bar";
  const label = document.createElement("span");
  label.textContent = label.title = name;
  const meter = document.createElement("div");
  Object.assign(meter, { role: "meter", ariaValueMin: "0", ariaValueMax: name ? "100" : String(FULL_PX), ariaLabel: `Probability of ${name}` });
  meter.append(document.createElement("div"));
  const value = document.createElement("span");
  value.textContent = "–";
  bar.append(label, meter, value);
  return bar;
}

export function writeIn(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
