// The page: one WebSocket; what comes in is kept, and drawn once a display frame.

import { Camera } from "./camera.js";
import { drawOverlay, drawTimeline } from "./draw.js";
import { drawFace } from "./exaggerate.js";
import { described, doing, fillBars, hold, moved, named, newBar, sentence, writeIn } from "./readings.js";

const SECONDS = 10;
const MAX_ROWS = 200;
const MAX_LINES = 50_000;
const RETRY_MS = 2000;
const MANY_RECORDS = 16;
const $ = (id) => document.getElementById(id);
const query = new URLSearchParams(location.search);

const state = {
  mode: "view",
  classes: [],
  socket: null,
  paused: false,
  ended: null,
  record: null,
  waiting: new Map(), // records whose picture is being decoded, by frame
  pictured: null, // the record of the picture that is shown
  picture: null, // what the camera mode's record was made from
  size: null,
  samples: [],
  events: [],
  held: new Map(),
  factor: 1,
  motion: true,
  probabilities: false,
  now: 0,
  person: 0,
  delay: null,
  frames: [],
  lines: [],
  dirty: true,
};
const camera = new Camera($("video"), (message) => {
  if (state.socket?.readyState === WebSocket.OPEN) state.socket.send(message);
});

function say(text, kind = "") {
  if ($("status").textContent !== text) $("status").textContent = text;
  $("status").dataset.state = kind;
}

function connect() {
  const address = new URL("ws", location.href);
  address.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  address.search = new URLSearchParams({ mode: state.mode, ...(query.has("token") && { token: query.get("token") }) });
  const socket = new WebSocket(address);
  socket.binaryType = "arraybuffer";
  state.socket = socket;
  state.ended = null;
  say("Connecting");
  const current = (act) => (event) => { if (state.socket === socket) act(event); };
  socket.onmessage = current(({ data }) => (typeof data === "string" ? receive(JSON.parse(data)) : showPicture(data)));
  socket.onclose = current(({ code, reason }) => {
    state.socket = null;
    camera.ready = false;
    camera.inFlight.clear();
    const mistake = [1003, 1008, 1013].includes(code);
    if (!state.ended) say(reason ? sentence(reason) : "Not connected", "bad");
    if (state.mode === "camera") stopCamera();
    else if (!mistake && !state.ended) setTimeout(() => { if (!state.socket && state.mode === "view") connect(); }, RETRY_MS);
  });
}

function command(message) {
  if (state.socket?.readyState === WebSocket.OPEN) state.socket.send(JSON.stringify(message));
}

function receive(message) {
  switch (message.type) {
    case "hello":
      state.classes = message.classes;
      camera.limit = message.max_in_flight;
      camera.maxPixels = message.max_pixels;
      buildBars();
      say(state.mode === "view" ? "Connected" : "Preparing the engine", "on");
      if (state.mode === "view" && state.paused) command({ type: "pause", paused: true });
      break;
    case "ready":
      camera.ready = true;
      say("Your camera is analysed", "on");
      break;
    case "history":
      Object.assign(state, { samples: [], events: [] });
      $("rows").replaceChildren();
      message.results.forEach(remember);
      message.events.forEach((event) => addEvent(event, false));
      break;
    case "results": {
      const answered = message.ack == null ? null : camera.answered(message.ack);
      if (answered) state.delay = answered.delay;
      if (answered?.picture && message.results.length) {
        state.picture?.close();
        state.picture = answered.picture;
      }
      if (state.mode === "view" || camera.stream) {
        message.results.forEach((record) => {
          if (answered) record.origin = answered.origin;
          remember(record);
        });
      }
      message.events.forEach((event) => addEvent(event, true));
      break;
    }
    case "ended":
      state.ended = message.reason;
      ended();
      break;
  }
  state.dirty = true;
}

// What stays on the page is the last picture, not a promise of a first one.
function ended() {
  say(sentence(`${state.ended}${state.size ? "; this is its last picture" : ""}`));
  if (!state.size) $("hint").textContent = `${sentence(state.ended)}; it gave no picture`;
}

function remember(record) {
  if (record.time < state.now - 1) {
    Object.assign(state, { samples: [], events: [] }); // the source began anew
    state.held.clear();
  }
  state.now = record.time;
  state.record = record;
  if (state.mode === "view" && record.faces.some((face) => face.outline)) {
    state.waiting.set(record.frame, record);
    while (state.waiting.size > MANY_RECORDS) state.waiting.delete(state.waiting.keys().next().value);
  }
  if (state.mode === "camera") {
    state.size = camera.size;
    state.frames.push(performance.now());
    if (record.faces[0]) camera.follow(record.faces[0].outline, record.origin || [0, 0]);
    note({ type: "sample", ...record });
  }
  if (record.faces.length && !record.faces.some((face) => face.identity === state.person)) {
    state.person = record.faces[0].identity;
  }
  for (const face of record.faces) {
    const px = moved(face);
    state.samples.push({ time: record.time, person: face.identity, values: face.smoothed, px });
    if (face.identity === state.person) hold(state.held, px, record.time);
  }
  while (state.samples.length && state.samples[0].time < state.now - SECONDS - 1) state.samples.shift();
  if (state.size || state.mode === "camera") $("empty").hidden = state.mode === "view" || !!camera.stream;
}

function note(line) {
  state.lines.push(JSON.stringify(line));
  if (state.lines.length > MAX_LINES) state.lines.splice(0, MAX_LINES / 10);
}

async function showPicture(data) {
  const header = new DataView(data);
  const { mode } = state;
  const size = [header.getUint16(16, true), header.getUint16(18, true)];
  const picture = await createImageBitmap(new Blob([new Uint8Array(data, 24)], { type: "image/jpeg" }));
  if (state.mode !== mode) return;
  const canvas = $("picture");
  if (canvas.width !== picture.width || canvas.height !== picture.height) Object.assign(canvas, { width: picture.width, height: picture.height });
  canvas.getContext("2d").drawImage(picture, 0, 0);
  picture.close();
  state.size = size;
  const frame = header.getUint32(4, true);
  state.pictured = state.waiting.get(frame) ?? state.pictured;
  for (const earlier of [...state.waiting.keys()].filter((number) => number <= frame)) state.waiting.delete(earlier);
  state.dirty = true;
  if (state.ended) ended();
  $("frame").style.aspectRatio = `${size[0]} / ${size[1]}`;
  $("empty").hidden = true;
}

function addEvent(event, fresh) {
  state.events.push(event);
  if (state.events.length > MAX_ROWS) state.events.shift();
  if (state.mode === "camera") note({ type: "event", ...event });
  const milliseconds = Math.round(1000 * (event.offset - event.onset));
  const row = document.createElement("tr");
  row.className = event.kind;
  const cells = [event.apex.toFixed(2), described(event), String(milliseconds), event.strength_px.toFixed(2), event.regions.slice(0, 3).join(", ").replaceAll("_", " ")];
  cells.forEach((text, index) => {
    const cell = row.insertCell();
    cell.textContent = text;
    if (index !== 1 && index !== 4) cell.className = "number";
  });
  $("rows").prepend(row);
  while ($("rows").rows.length > MAX_ROWS) $("rows").lastChild.remove();
  $("none").hidden = true;
  $("count").textContent = `(${$("rows").rows.length})`;
  if (fresh && event.kind === "micro") {
    $("live").textContent = `Micro-expression at ${event.apex.toFixed(1)} seconds${event.label ? `, ${event.label}` : ""}`;
  }
}

function buildBars() {
  $("bars").replaceChildren(...state.classes.map(newBar));
}

function write(id, text) {
  writeIn($(id), text);
}

function readings() {
  const { record } = state;
  if (!record) return;
  const face = record.faces.find((one) => one.identity === state.person);
  const values = face?.smoothed;
  [...$("bars").children].forEach((bar, index) => {
    const value = values ? values[index] : 0;
    const percent = Math.round(100 * value);
    bar.children[1].ariaValueNow = String(percent);
    bar.children[1].firstChild.style.width = `${100 * value}%`;
    writeIn(bar.children[2], values ? `${percent} %` : "–");
    bar.classList.toggle("best", !!values && state.classes[index] === face.label);
  });
  const word = (face?.status || "no_face").replaceAll("_", " ");
  write("label", doing(face));
  const [event] = named(state.events, state.person, state.now);
  write("named", event ? described(event) : "");
  $("named").className = event?.kind ?? "";
  fillBars($("moving"), state.held, state.now);
  $("bars").hidden = !state.probabilities;
  const { counters } = record;
  let [rate, delay, dropped] = [counters.fps, counters.delay_ms, counters.dropped];
  if (state.mode === "camera") {
    const now = performance.now();
    state.frames = state.frames.filter((at) => at > now - 1000);
    [rate, delay, dropped] = [state.frames.length, state.delay ?? 0, camera.skipped];
  }
  write("rate", `${rate.toFixed(0)} /s`);
  write("delay", `${delay.toFixed(delay < 10 ? 1 : 0)} ms`);
  write("dropped", String(dropped));
  write("quality", word);
  write("error", face?.error_px == null ? "–" : `${face.error_px.toFixed(2)} px`);
  write("time", `${record.time.toFixed(2)} s`);
  const people = record.faces.map((one) => one.identity);
  $("persons").hidden = people.length < 2;
  if ([...$("person").options].map((option) => +option.value).join() !== people.join()) {
    $("person").replaceChildren(...people.map((number) => new Option(String(number), number)));
  }
  $("person").value = String(state.person);
}

function draw() {
  requestAnimationFrame(draw);
  if (!state.dirty) return;
  state.dirty = false;
  readings();
  const shown = state.mode === "view" ? state.pictured : state.record;
  drawOverlay($("overlay"), shown, state.size, state.person, state.motion);
  drawTimeline($("timeline"), state);
  exaggerate(shown);
}

// The first face as the correction has it, beside the picture, while that is asked for.
function exaggerate(record) {
  const asked = state.factor > 1;
  if (!asked) $("large").hidden = true;
  const face = record?.faces.find((one) => one.identity === state.person);
  const source = state.mode === "view" ? $("picture") : state.picture;
  if (!asked || !face?.outline || !source?.width) return;
  $("large").hidden = false;
  const size = state.mode === "view" ? state.size : [source.width, source.height];
  drawFace($("face"), source, size, face.outline, face.motion, state.factor);
}

function setFactor() {
  state.factor = +$("factor").value;
  camera.keeps = state.factor > 1;
  $("times").textContent = state.factor > 1 ? `×${state.factor}` : "off";
  $("factor").setAttribute("aria-valuetext", state.factor > 1 ? `${state.factor} times` : "off");
  $("caption").textContent = `The corrected face, its motion ×${state.factor}`;
  state.dirty = true;
}

function pause() {
  state.paused = !state.paused;
  $("pause").setAttribute("aria-pressed", String(state.paused));
  $("pause").textContent = state.paused ? "Go on" : "Pause";
  if (state.mode === "view") command({ type: "pause", paused: state.paused });
  camera.paused = state.paused;
  if (state.mode === "camera" && camera.stream) $("video")[state.paused ? "pause" : "play"]();
}

function download() {
  const link = document.createElement("a");
  if (state.mode === "view") {
    link.href = `log${query.has("token") ? `?token=${encodeURIComponent(query.get("token"))}` : ""}`;
  } else {
    const first = JSON.stringify({ type: "session", source: "browser camera", classes: state.classes, notice: document.querySelector("footer").textContent.trim() });
    link.href = URL.createObjectURL(new Blob([`${[first, ...state.lines].join("\n")}\n`], { type: "application/x-ndjson" }));
  }
  link.download = "mace-log.jsonl";
  link.click();
  if (state.mode === "camera") setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

async function startCamera() {
  $("start").disabled = true;
  try {
    await camera.start();
  } catch (error) {
    camera.stop();
    $("start").disabled = false;
    $("hint").textContent = error.name === "NotAllowedError" ? "The browser does not allow the camera; allow it for this page and try again"
      : error.name === "NotFoundError" ? "There is no camera" : error.message;
    return;
  }
  $("start").disabled = false;
  Object.assign(state, { samples: [], events: [], lines: [], frames: [], now: 0, record: null });
  $("video").hidden = false;
  $("empty").hidden = true;
  $("frame").style.aspectRatio = camera.size.join(" / ");
  connect();
  show();
  $("stop").focus();
}

// The server still tells the events that the last frames made certain, and closes the connection.
function stopCamera() {
  const { socket } = state;
  const finishes = camera.ready && socket?.readyState === WebSocket.OPEN;
  camera.stop();
  camera.ready = false;
  if (finishes) {
    state.ended = "the camera is off";
    command({ type: "finish" });
  } else {
    state.socket = null;
    socket?.close();
  }
  if (socket) say("The camera is off");
  show();
}

// Shows what belongs to the mode.
function show() {
  const mine = state.mode === "camera";
  const on = !!camera.stream;
  document.querySelectorAll("[data-mode]").forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.mode === state.mode)));
  $("video").hidden = !mine || !on;
  $("picture").hidden = mine;
  $("start").hidden = !mine;
  $("stop").hidden = !mine || !on;
  $("upload").hidden = !mine;
  $("empty").hidden = mine ? on : !!state.size;
  if (mine && !on) {
    $("hint").textContent = "Your camera's frames go to this server and nowhere else";
    state.record = null;
    drawOverlay($("overlay"), null);
  }
  $("pause").disabled = $("reset").disabled = mine && !on;
  state.dirty = true;
}

function choose(mode) {
  if (mode === state.mode) return;
  stopCamera();
  Object.assign(state, { mode, record: null, pictured: null, size: null, samples: [], events: [], now: 0, paused: true });
  state.held.clear();
  $("rows").replaceChildren();
  $("none").hidden = false;
  $("count").textContent = "";
  $("hint").textContent = "Waiting for the first frame";
  pause();
  if (mode === "view") connect();
  else say("The camera is off");
  show();
}

document.querySelectorAll("[data-mode]").forEach((button) => button.addEventListener("click", () => choose(button.dataset.mode)));
$("pause").addEventListener("click", pause);
$("reset").addEventListener("click", () => command({ type: "reset" }));
$("log").addEventListener("click", download);
$("start").addEventListener("click", startCamera);
$("stop").addEventListener("click", () => { stopCamera(); $("start").focus(); });
$("format").addEventListener("change", () => { camera.format = $("format").value; camera.since = performance.now(); });
$("person").addEventListener("change", () => { state.person = +$("person").value; state.held.clear(); state.dirty = true; });
$("factor").addEventListener("input", setFactor);
for (const name of ["motion", "probabilities"]) {
  $(name).addEventListener("change", () => { state[name] = $(name).checked; state.dirty = true; });
  state[name] = $(name).checked; // browsers remember what was checked before a reload
}
addEventListener("resize", () => { state.dirty = true; });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { state.dirty = true; });

setFactor();
show();
connect();
draw();
