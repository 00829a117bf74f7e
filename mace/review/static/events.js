// The list of events and the form of the chosen one.
import { address } from "./frames.js";

const byId = (id) => document.getElementById(id);
const PHASES = ["onset", "apex", "offset"];
const CARD_PX = 320;

function cell(row, text, kind = "number") {
  const made = row.insertCell();
  made.className = kind;
  made.textContent = text;
  return made;
}

export class List {
  constructor(onChoose) { this.onChoose = onChoose; }

  // `seconds(frame)` is when a frame is shown.
  show(items, chosen, seconds) {
    const rows = byId("rows");
    rows.replaceChildren();
    for (const item of items) {
      const row = rows.insertRow();
      row.className = item.ghost ? "ghost" : item.kind;
      row.dataset.key = item.key;
      row.setAttribute("aria-selected", String(item.key === chosen));
      row.addEventListener("click", () => this.onChoose(item.key));
      cell(row, item.onset);
      cell(row, item.apex ?? "–");
      cell(row, item.offset);
      cell(row, Math.round(1000 * (seconds(item.offset) - seconds(item.onset))));
      const what = cell(row, "", "what-cell");
      const bold = document.createElement("b");
      bold.textContent = item.kind;
      what.append(bold, ` ${item.label}${item.units ? ` · ${item.units}` : ""}${item.subject ? ` · ${item.subject}` : ""}${item.ghost ? " (spotted)" : ""}`);
      if (item.key === chosen) row.scrollIntoView({ block: "nearest" });
    }
    const own = items.filter((item) => !item.ghost).length, spotted = items.length - own;
    byId("count").textContent = `${own}${spotted ? `, ${spotted} spotted` : ""}`;
    byId("none").hidden = items.length > 0;
  }
}

export class Editor {
  // `onChange(fields)` and `onSeek(frame)` are told of what is done.
  constructor({ onChange, onSeek }) {
    this.item = null;
    for (const input of document.querySelectorAll("#editor [data-field]")) {
      input.addEventListener("change", () => {
        const name = input.dataset.field;
        if (!PHASES.includes(name)) { onChange({ [name]: input.value }); return; }
        const blank = name === "apex" && input.value === "";
        if (blank || Number.isInteger(input.valueAsNumber)) onChange({ [name]: blank ? null : input.valueAsNumber });
        else this.fill();
      });
      input.addEventListener("keydown", (event) => { if (event.key === "Enter") { event.preventDefault(); input.blur(); } });
    }
    for (const card of document.querySelectorAll(".card")) {
      card.addEventListener("click", () => {
        const frame = this.item?.[card.dataset.phase];
        if (frame) onSeek(frame);
      });
    }
    byId("factor").addEventListener("input", () => { byId("times").textContent = this.factor > 1 ? `×${this.factor}` : "off"; });
    byId("factor").addEventListener("change", () => { if (this.item) this.fill(); byId("factor").blur(); });
    byId("editor").addEventListener("submit", (event) => event.preventDefault());
  }

  get factor() { return byId("factor").valueAsNumber; }

  // The frame, or its corrected face with the motion since the onset multiplied; without a face the frame.
  card(image, number) {
    const { path, item, factor } = this, plain = address("frame", { path, number, width: CARD_PX });
    const source = factor > 1 ? address("face", { path, onset: item.onset, number, factor }) : plain;
    if (image.dataset.source === source) return;
    image.dataset.source = source;
    image.onerror = async () => {
      image.onerror = null;
      image.src = plain;
      byId("faceless").textContent = await fetch(source).then((answer) => answer.text(), () => "the server does not answer");
      byId("faceless").hidden = image.dataset.source !== source;
    };
    image.src = source;
  }

  show(item, path, seconds) {
    this.item = item; this.path = path; this.seconds = seconds;
    byId("editor").hidden = !item;
    if (item) this.fill();
  }

  fill() {
    const { item, seconds } = this;
    byId("title").textContent = item.ghost ? "Spotted, not taken over" : `${item.kind === "micro" ? "Micro" : "Macro"}-expression`;
    byId("take").hidden = !item.ghost;
    byId("delete").hidden = item.ghost;
    for (const input of document.querySelectorAll("#editor [data-field]")) {
      input.disabled = item.ghost;
      if (document.activeElement !== input || item.key !== this.filled) input.value = item[input.dataset.field] ?? "";
    }
    this.filled = item.key;
    byId("faceless").hidden = true;
    for (const phase of PHASES) {
      const image = byId(`card-${phase}`), number = item[phase];
      image.hidden = number === null;
      if (number !== null) this.card(image, number);
    }
    byId("cards").classList.toggle("faces", this.factor > 1);
    const ms = (frame) => Math.round(1000 * (seconds(frame) - seconds(item.onset)));
    const rise = item.apex === null ? "" : `, ${ms(item.apex)} ms to the apex`;
    const bare = item.kind === "micro" && !item.label && !item.ghost;
    const hints = [
      item.kind === "micro" && ms(item.offset) > 500 ? "longer than the half second of a micro-expression" : "",
      bare ? "without a label nothing is trained on it" : "",
    ].filter(Boolean).map((hint) => `; ${hint}`).join("");
    byId("length").textContent = `${item.offset - item.onset + 1} frames, ${ms(item.offset)} ms${rise}${hints}`;
  }
}
