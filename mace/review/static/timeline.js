// The timeline: above the whole video, below the part around the frame that is looked at, in which
// onset, apex and offset are dragged. Frames are counted from 1.

const NS = "http://www.w3.org/2000/svg";
const OVER = { y: 2, height: 20 }, TICKS = 36;
const LANES = [["spotted", 44], ["micro", 82], ["macro", 120]], LANE = 30;
const LEFT = 62, GRIP = 7;

function element(name, attributes, parent) {
  const made = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  parent?.append(made);
  return made;
}

export class Timeline {
  // `onSeek(frame)`, `onChoose(key)`, `onDrag(key, phase, frame, done)` are told of what is done.
  constructor(svg, { onSeek, onChoose, onDrag }) {
    Object.assign(this, { svg, onSeek, onChoose, onDrag });
    this.count = 1; this.fps = 1; this.now = 1; this.items = []; this.chosen = null;
    this.span = 400; this.start = 1; this.drag = null;
    svg.addEventListener("pointerdown", (event) => this.down(event));
    svg.addEventListener("pointermove", (event) => this.move(event));
    svg.addEventListener("pointerup", (event) => this.up(event));
    svg.addEventListener("pointercancel", () => { this.drag = null; });
    svg.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    new ResizeObserver(() => this.draw()).observe(svg);
  }

  show({ count, fps, times }) {
    this.count = count; this.fps = fps; this.times = times;
    this.span = Math.min(count, Math.max(40, Math.round(2 * fps)));
    this.start = 1;
    this.draw();
  }

  update({ now = this.now, items = this.items, chosen = this.chosen }) {
    Object.assign(this, { now, items, chosen });
    if (!this.drag) this.follow();
    this.draw();
  }

  // An event comes into sight, whole.
  reveal({ onset, offset }) {
    const length = offset - onset + 1;
    this.span = Math.min(this.count, Math.max(this.span, 1.6 * length));
    const margin = Math.min(0.15 * this.span, (this.span - length) / 2);
    if (onset < this.start + margin) this.start = onset - margin;
    if (offset + 1 > this.start + this.span - margin) this.start = offset + 1 + margin - this.span;
    this.bound();
  }

  bound() { this.start = Math.max(1, Math.min(this.start, this.count - this.span + 1)); }

  // When a frame is shown, in s, and which frame is shown at a time.
  seconds(frame) {
    if (!this.times) return (frame - 1) / this.fps;
    return this.times[this.clamp(Math.round(frame)) - 1];
  }

  frameOf(second) {
    if (!this.times) return 1 + second * this.fps;
    const after = this.times.findIndex((time) => time >= second);
    return after < 0 ? this.count + 1 : after + 1;
  }

  // The frame that is looked at stays within the middle of the lower part.
  follow() {
    const edge = 0.12 * this.span;
    if (this.now < this.start + edge) this.start = this.now - edge;
    if (this.now > this.start + this.span - edge) this.start = this.now - this.span + edge;
    this.bound();
  }

  get width() { return this.svg.clientWidth - LEFT - 8; }
  x(frame) { return LEFT + (frame - this.start) / this.span * this.width; }
  overX(frame) { return LEFT + (frame - 1) / this.count * this.width; }
  frameAt(x) { return this.clamp(Math.floor(this.start + (x - LEFT) / this.width * this.span)); }
  overFrameAt(x) { return this.clamp(Math.round(1 + (x - LEFT) / this.width * this.count)); }
  clamp(frame) { return Math.max(1, Math.min(this.count, frame)); }

  draw() {
    if (this.svg.clientWidth < 2 * LEFT) return;
    this.svg.replaceChildren();
    this.clip();
    this.drawOver();
    this.drawTicks();
    for (const [name, y] of LANES) {
      element("rect", { class: "lane", x: LEFT, y, width: this.width, height: LANE, rx: 4 }, this.svg);
      element("text", { x: 0, y: y + LANE / 2 + 4 }, this.svg).textContent = name;
    }
    const inside = element("g", { "clip-path": "url(#lanes)" }, this.svg);
    for (const item of this.items) this.drawItem(item, inside);
    const chosen = this.items.find((item) => item.key === this.chosen);
    if (chosen && !chosen.ghost) this.drawGrips(chosen, inside);
    const x = this.x(this.now + 0.5);
    element("line", { class: "now", x1: x, x2: x, y1: TICKS - 2, y2: LANES[2][1] + LANE + 4 }, inside);
    element("path", { class: "head", d: `M${x - 5} ${TICKS - 6}h10l-5 8z` }, inside);
  }

  clip() {
    const path = element("clipPath", { id: "lanes" }, element("defs", {}, this.svg));
    element("rect", { x: LEFT - 1, y: 0, width: this.width + 2, height: 200 }, path);
  }

  drawOver() {
    const { y, height } = OVER;
    element("rect", { class: "lane", x: LEFT, y, width: this.width, height, rx: 4 }, this.svg);
    element("text", { x: 0, y: y + 14 }, this.svg).textContent = "all";
    const wide = Math.max(2, this.span / this.count * this.width);
    element("rect", { class: "window", x: this.overX(this.start), y, width: wide, height, rx: 3 }, this.svg);
    for (const item of this.items) {
      const x = this.overX(item.onset);
      const width = Math.max(2.5, this.overX(item.offset + 1) - x);
      const box = { x, y: y + 5, width, height: height - 10, rx: 1.5, "data-key": item.key };
      element("rect", { ...box, class: this.classes(item) }, this.svg);
    }
    const x = this.overX(this.now + 0.5);
    element("line", { class: "now", x1: x, x2: x, y1: y, y2: y + height }, this.svg);
  }

  drawTicks() {
    const begin = this.seconds(this.start), end = this.seconds(this.start + this.span);
    const step = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60].find((s) => (end - begin) / s <= this.width / 70) ?? 300;
    for (let k = Math.ceil(begin / step); k * step <= end; k++) {
      const x = this.x(this.frameOf(k * step));
      if (x < LEFT || x > LEFT + this.width) continue;
      element("line", { class: "tick", x1: x, x2: x, y1: TICKS, y2: LANES[2][1] + LANE }, this.svg);
      if (x < LEFT + this.width - 30) {
        element("text", { x: x + 3, y: TICKS + 3 }, this.svg).textContent = `${+(k * step).toFixed(2)} s`;
      }
    }
  }

  classes(item) {
    const chosen = item.key === this.chosen ? " chosen" : item.ghost ? "" : " rest";
    return `event ${item.kind}${item.ghost ? " ghost" : ""}${chosen}`;
  }

  lane(item) { return LANES.find(([name]) => name === (item.ghost ? "spotted" : item.kind))[1]; }

  drawItem(item, parent) {
    const y = this.lane(item), x = this.x(item.onset);
    const width = Math.max(3, this.x(item.offset + 1) - x);
    const box = element("rect", { class: this.classes(item), x, y: y + 3, width, height: LANE - 6, rx: 4, "data-key": item.key }, parent);
    element("title", {}, box).textContent = `${item.ghost ? "spotted: " : ""}${item.label || item.kind} ${item.onset} to ${item.offset}`;
    if (item.apex !== null) {
      const apex = this.x(item.apex + 0.5);
      element("line", { class: item.ghost ? "ghost-apex" : "apex", x1: apex, x2: apex, y1: y + 5, y2: y + LANE - 5 }, parent);
    }
  }

  drawGrips(item, parent) {
    const y = this.lane(item);
    const places = { onset: this.x(item.onset), offset: this.x(item.offset + 1) };
    if (item.apex !== null) places.apex = this.x(item.apex + 0.5);
    for (const [phase, x] of Object.entries(places)) {
      const grip = phase === "apex"
        ? element("circle", { class: "grip", cx: x, cy: y + LANE / 2, r: 5 }, parent)
        : element("rect", { class: "grip", x: x - 2.5, y: y + 1, width: 5, height: LANE - 2, rx: 2.5 }, parent);
      grip.dataset.phase = phase;
      const area = { class: "grip area", x: x - GRIP, y, width: 2 * GRIP, height: LANE, "data-phase": phase };
      element("rect", area, parent);
    }
  }

  at(event) {
    const box = this.svg.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  down(event) {
    if (event.button !== 0) return;
    const { x, y } = this.at(event);
    const { phase, key } = event.target.dataset ?? {};
    this.svg.setPointerCapture(event.pointerId);
    if (phase) {
      this.drag = { what: "phase", phase, key: this.chosen };
    } else if (y < TICKS - 4) {
      this.drag = { what: "over" };
      if (key) this.onChoose(key);
      else this.onSeek(this.overFrameAt(x));
    } else {
      this.drag = { what: "seek" };
      if (key) { this.onChoose(key); this.drag = null; } else { this.onSeek(this.frameAt(x)); }
    }
    event.preventDefault();
  }

  move(event) {
    if (!this.drag) return;
    const { x } = this.at(event);
    if (this.drag.what === "over") { this.onSeek(this.overFrameAt(x)); return; }
    if (this.drag.what === "seek") { this.onSeek(this.frameAt(x)); return; }
    // The grips of onset and offset lie at the edges of their frames, that of the apex in its middle.
    const half = this.width / this.span / 2;
    const frame = this.frameAt(x + { onset: half, apex: 0, offset: -half }[this.drag.phase]);
    if (frame !== this.drag.frame) {
      this.drag.frame = frame;
      this.onDrag(this.drag.key, this.drag.phase, frame, false);
    }
  }

  up() {
    const drag = this.drag;
    this.drag = null;
    if (drag?.what === "phase" && drag.frame !== undefined) this.onDrag(drag.key, drag.phase, drag.frame, true);
    this.update({});
  }

  wheel(event) {
    event.preventDefault();
    const { x } = this.at(event);
    const under = this.start + (x - LEFT) / this.width * this.span;
    if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      this.start += (event.deltaX || event.deltaY) / this.width * this.span;
    } else {
      const span = Math.max(20, Math.min(this.count, this.span * Math.exp(event.deltaY / 400)));
      this.start = under - (under - this.start) * span / this.span;
      this.span = span;
    }
    this.bound();
    this.draw();
  }
}
