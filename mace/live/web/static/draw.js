// Drawing on canvases: pure functions of what is known, called once a display frame at most.

import { readMotion } from "./exaggerate.js";

const SECONDS = 10;
const LEAST_LANE = 14;
// Motion in px of the 128-px crop: what is noise, and what has the full colour and fills a lane.
const CROP = 128;
const NOISE_PX = 0.1;
const FULL_PX = 1;
const MOST_HEAT = 0.6;
const HOT = 0x286eff; // red in the lowest byte
// An arrow is so many times as long as the motion.
const ARROW = 25;

const colours = () => {
  const style = getComputedStyle(document.documentElement);
  const read = (name) => style.getPropertyValue(name).trim();
  return { ink: read("--ink"), muted: read("--muted"), line: read("--line"), accent: read("--accent"), bar: read("--bar"), raised: read("--raised") };
};

// Gives the canvas as many pixels as the screen shows of it.
function fit(canvas) {
  const ratio = Math.min(window.devicePixelRatio || 1, 3);
  const width = Math.round(canvas.clientWidth * ratio);
  const height = Math.round(canvas.clientHeight * ratio);
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, canvas.clientWidth, canvas.clientHeight);
  return context;
}

// Outline, landmarks and motion of every face; `record.origin` is where a part was cut out of a frame.
export function drawOverlay(canvas, record, size, person, motion) {
  const context = fit(canvas);
  if (!record || !size) return;
  const [width, height] = size;
  const scale = Math.min(canvas.clientWidth / width, canvas.clientHeight / height);
  const left = (canvas.clientWidth - scale * width) / 2;
  const top = (canvas.clientHeight - scale * height) / 2;
  const [x0, y0] = record.origin || [0, 0];
  const place = ([x, y]) => [left + (x + x0 + 0.5) * scale, top + (y + y0 + 0.5) * scale];
  for (const face of record.faces) {
    const sure = face.status !== "doubtful";
    if (motion && face.outline) drawMotion(context, face, place);
    context.strokeStyle = context.fillStyle = sure ? "#7fe08a" : "#ffb45a";
    context.lineWidth = face.identity === person ? 2 : 1;
    if (face.outline) {
      context.setLineDash(sure ? [] : [6, 4]);
      context.beginPath();
      face.outline.forEach((corner) => context.lineTo(...place(corner)));
      context.closePath();
      context.stroke();
      context.setLineDash([]);
      if (record.faces.length > 1) {
        context.font = "600 13px system-ui, sans-serif";
        context.fillText(`Person ${face.identity}`, ...place(face.outline[0]).map((v, i) => v - (i ? 6 : 0)));
      }
    }
    for (const point of face.landmarks || []) {
      context.beginPath();
      context.arc(...place(point), record.faces.length > 2 ? 1.3 : 1.8, 0, 2 * Math.PI);
      context.fill();
    }
  }
}

// What moves, the hotter the farther, and where it goes.
function drawMotion(context, face, place) {
  const { motion, moving, outline } = face;
  if (!motion || !moving?.regions.length) return;
  const field = readMotion(motion);
  const { side } = motion;
  const image = new ImageData(side, side);
  const pixels = new Uint32Array(image.data.buffer);
  for (let i = 0; i < side * side; i += 1) {
    const [u, v] = [field[2 * i], field[2 * i + 1]];
    const px = (Math.sqrt(u * u + v * v) * CROP) / side;
    if (px <= NOISE_PX) continue;
    const hot = Math.sqrt(Math.min((px - NOISE_PX) / (FULL_PX - NOISE_PX), 1));
    pixels[i] = HOT | (Math.round(255 * MOST_HEAT * hot) << 24);
  }
  const heat = new OffscreenCanvas(side, side);
  heat.getContext("2d").putImageData(image, 0, 0);
  const [o, a, b] = [outline[0], outline[1], outline[3]].map(place);
  context.save();
  context.transform((a[0] - o[0]) / side, (a[1] - o[1]) / side, (b[0] - o[0]) / side, (b[1] - o[1]) / side, o[0], o[1]);
  context.drawImage(heat, 0, 0);
  context.restore();
  const at = (x, y) => [0, 1].map((i) => o[i] + x * (a[i] - o[i]) + y * (b[i] - o[i]));
  for (const { x, y, u, v } of moving.regions) {
    const [from, to] = [at(x, y), at(x + (ARROW * u) / CROP, y + (ARROW * v) / CROP)];
    for (const [colour, wide] of [["#000", 4], ["#fff", 2]]) arrow(context, from, to, colour, wide);
  }
}

function arrow(context, from, to, colour, wide) {
  const [angle, tip] = [Math.atan2(to[1] - from[1], to[0] - from[0]), 7];
  Object.assign(context, { strokeStyle: colour, lineWidth: wide, lineCap: "round" });
  context.beginPath();
  context.moveTo(...from);
  context.lineTo(...to);
  for (const turn of [2.6, -2.6]) {
    context.moveTo(...to);
    context.lineTo(to[0] + tip * Math.cos(angle + turn), to[1] + tip * Math.sin(angle + turn));
  }
  context.stroke();
}

// A lane of events for every person, then one for each thing that moved of the chosen one, or for
// each class where probabilities are asked for.
export function drawTimeline(canvas, { samples, events, classes, now, person, probabilities }) {
  const context = fit(canvas);
  const theme = colours();
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  const gutter = Math.min(92, width * 0.24);
  const axis = 18;
  const x = (time) => gutter + (width - gutter - 2) * (1 + (time - now) / SECONDS);
  const shown = events.filter((event) => x(event.offset) >= gutter && event.onset <= now);
  // Before anybody was seen a face is nobody's, -1.
  const there = [...samples.map((one) => one.person), ...shown.map((one) => one.identity)];
  const people = [...new Set(there)].filter((number) => number >= 0).sort((a, b) => a - b);
  if (!people.length) people.push(person);
  const lane = people.length > 3 ? 18 : 24;
  const top = lane * people.length;
  const room = height - top - axis;
  context.font = "12px system-ui, sans-serif";
  context.textBaseline = "middle";

  context.fillStyle = theme.muted;
  context.textAlign = "center";
  for (let second = Math.ceil(now - SECONDS); second <= now; second += 1) {
    const at = x(second);
    if (second < 0 || at < gutter) continue;
    context.strokeStyle = theme.line;
    context.beginPath();
    context.moveTo(at, 0);
    context.lineTo(at, height - axis);
    context.stroke();
    if (second % 2 === 0 && at < width - 12) context.fillText(`${second} s`, at, height - axis / 2 + 2);
  }
  context.textAlign = "left";

  const mine = samples.filter((one) => one.person === person);
  const lanes = (probabilities ? courses(mine, classes) : movements(mine)).slice(0, Math.floor(room / LEAST_LANE));
  const row = room / Math.max(lanes.length, 1);
  context.fillStyle = theme.muted;
  if (!lanes.length) context.fillText("nothing moves", 0, top + room / 2);
  lanes.forEach(([name, value], index) => {
    const base = top + (index + 1) * row - 2;
    const reach = Math.min(row, 40) - 4;
    context.fillStyle = theme.muted;
    context.fillText(clipped(context, name, gutter - 8), 0, base - reach / 2);
    context.strokeStyle = theme.line;
    context.beginPath();
    context.moveTo(gutter, base + 0.5);
    context.lineTo(width, base + 0.5);
    context.stroke();
    context.fillStyle = theme.bar;
    for (let i = 0; i + 1 < mine.length; i += 1) {
      const [one, next] = [mine[i], mine[i + 1]];
      if (next.time - one.time > 0.5 || x(next.time) < gutter) continue;
      // Whole px, so that neighbours leave no seam.
      const tall = Math.min(value(one), 1) * reach;
      if (!(tall > 0)) continue;
      const from = Math.floor(Math.max(x(one.time), gutter));
      context.fillRect(from, base - tall, Math.max(Math.ceil(x(next.time)) - from, 1), tall);
    }
  });

  people.forEach((number, index) => {
    context.fillStyle = theme.muted;
    context.fillText(`person ${number}`, 0, index * lane + lane / 2);
    const theirs = shown.filter((event) => event.identity === number);
    for (const event of theirs) {
      const from = Math.max(x(event.onset), gutter);
      const to = Math.min(Math.max(x(event.offset), from + 3), width);
      const micro = event.kind === "micro";
      context.fillStyle = micro ? theme.accent : theme.muted;
      if (number === person) {
        context.globalAlpha = micro ? 0.16 : 0.1;
        context.fillRect(from, top, to - from, room);
      }
      context.globalAlpha = micro ? 1 : 0.55;
      context.fillRect(from, (index + 1) * lane - 6, to - from, 5);
      context.globalAlpha = 1;
    }
    writeNames(context, theirs, { x, gutter, width, theme, middle: index * lane + lane / 2 - 4 });
  });
}

// Of names that would lie on each other the first one stands, a micro-expression's before others.
function writeNames(context, events, { x, gutter, width, theme, middle }) {
  const taken = [];
  for (const event of [...events].sort((a, b) => (b.kind === "micro") - (a.kind === "micro"))) {
    const micro = event.kind === "micro";
    const text = event.label && micro ? event.label : event.kind;
    const wide = context.measureText(text).width;
    const from = Math.min(Math.max(x(event.onset), gutter), width - wide);
    if (taken.some(([left, right]) => from < right + 4 && left < from + wide + 4)) continue;
    taken.push([from, from + wide]);
    context.fillStyle = micro ? theme.accent : theme.muted;
    context.fillText(text, from, middle);
  }
}

function movements(samples) {
  const names = [...new Set(samples.flatMap((one) => Object.keys(one.px)))];
  const units = names.filter((name) => name.startsWith("AU"));
  return (units.length ? units : names).sort().map((name) => [name, (one) => (one.px[name] ?? 0) / FULL_PX]);
}

function courses(samples, classes) {
  return classes.map((name, index) => [name, (one) => one.values?.[index] ?? 0]);
}

function clipped(context, text, room) {
  if (context.measureText(text).width <= room) return text;
  let short = text;
  while (short && context.measureText(`${short}…`).width > room) short = short.slice(0, -1);
  return `${short}…`;
}
