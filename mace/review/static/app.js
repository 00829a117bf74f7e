// The coding page: what is looked at lives here, what is coded lives on the server.
import { Editor, List } from "./events.js";
import { Frames, address } from "./frames.js";
import { Timeline } from "./timeline.js";

const byId = (id) => document.getElementById(id);
const PHASE_KEYS = { o: "onset", a: "apex", f: "offset" };
let state = null;        // of the server: videos with their events
let facts = null;        // of the video that is looked at
let frames = null, now = 1, drawn = 0, direction = 1, chosen = null;
let socket = null, awaited = null, tells = 0, dragged = null;
let playing = null, comparing = false;
const canvas = byId("picture"), context = canvas.getContext("2d");

const timeline = new Timeline(byId("timeline"), {
  onSeek: (frame) => seek(frame),
  onChoose: (key) => choose(key),
  onDrag: (key, phase, frame, done) => drag(key, phase, frame, done),
});
const list = new List((key) => choose(key));
const editor = new Editor({ onChange: (fields) => change(fields), onSeek: (frame) => seek(frame) });

// ---- the server

function connect() {
  socket = new WebSocket(new URL(address("ws", {}), location.href.replace(/^http/, "ws")));
  socket.addEventListener("message", ({ data }) => heard(JSON.parse(data)));
  socket.addEventListener("close", ({ reason }) => {
    awaited = dragged = null;  // no answer will come
    status("bad", "Not connected: nothing can be changed now");
    if (reason) notice(reason);
    setTimeout(connect, 1000);
  });
}

function send(edit) {
  if (socket?.readyState !== WebSocket.OPEN) {
    notice("Not connected: the change was not made.", 4000);
    awaited = dragged = null;
    return;
  }
  socket.send(JSON.stringify({ video: facts?.path, ...edit }));
}

function heard(message) {
  if (message.type === "refused") {
    notice(message.reason, 6000);
    awaited = dragged = null;
    refresh();
    return;
  }
  const first = state === null;
  const before = new Set(video()?.events.map(({ number }) => number));
  state = message;
  if (dragged?.done) dragged = null;  // another may have been begun meanwhile
  // What an undo brings back is chosen, as what is added.
  const back = video()?.events.filter(({ number }) => !before.has(number)) ?? [];
  if (!chosen && back.length === 1) chosen = `e${back[0].number}`;
  let then = [];
  if (awaited && state.added !== null) { chosen = `e${state.added}`; [then, awaited] = [awaited, null]; }
  byId("table").textContent = state.table;
  byId("undo").disabled = !state.undo;
  byId("redo").disabled = !state.redo;
  byId("retry").hidden = byId("load").hidden = !state.unsaved;
  if (state.unsaved) status("bad", "Not saved");
  else status("on", state.revision ? "Saved" : "Connected");
  notice(state.unsaved ? `Not saved: ${state.unsaved}.`
    : state.pages > 1 ? `This coding is open on ${state.pages} pages: what is changed on one shows on all.` : "");
  listVideos();
  if (first) openVideo(decodeURIComponent(location.hash.slice(1)) || state.videos[0].path);
  else {
    if (state.added !== null && current()) timeline.reveal(current());
    refresh();
  }
  for (const act of then) act();
}

function status(kind, text) { byId("status").dataset.state = kind; byId("status").textContent = text; }

// What is true until it changes gives way for a while to what was just refused.
let lasting = "", passing = "";
function notice(text, ms = 0) {
  if (ms) {
    const mine = ++tells;
    passing = text;
    setTimeout(() => { if (mine === tells) { passing = ""; notice(lasting); } }, ms);
  } else {
    lasting = text;
  }
  byId("notice").textContent = passing || lasting;
  byId("notice").hidden = !(passing || lasting);
}

// ---- videos

function listVideos() {
  const select = byId("videos");
  const names = state.videos.map(({ path, events, spotted }) =>
    events.length ? `${path} (${events.length})` : spotted ? `${path} (spotted)` : path);
  if (select.dataset.names === names.join("\n")) return;
  select.dataset.names = names.join("\n");
  select.replaceChildren(...state.videos.map((video, k) => new Option(names[k], video.path)));
  if (facts) select.value = facts.path;
}

// When a frame is shown, in s since the first one.
const seconds = (frame) => facts.times ? facts.times[frame - 1] : (frame - 1) / facts.fps;
const video = () => state?.videos.find(({ path }) => path === facts?.path);

async function openVideo(path) {
  pause();
  byId("empty").hidden = false;
  byId("empty").textContent = "Opening the video";
  const answer = await fetch(address("video", { path })).then((a) => a.json(), () => ({ error: "the server does not answer" }));
  zoom(false);
  if (answer.error) { showNothing(answer.error); return; }
  facts = answer;
  frames = new Frames(path, facts.count);
  [now, drawn, chosen] = [1, 0, null];
  history.replaceState(null, "", `#${encodeURIComponent(path)}`);
  byId("videos").value = path;
  byId("number").max = facts.count;
  timeline.show(facts);
  refresh();
  show();
  if (!facts.seeks) notice("This file does not say where its frames lie, so that far steps back take long; convert it to MP4 if they do.", 9000);
}

// A video that cannot be read leaves nothing of the one before it.
function showNothing(reason) {
  [facts, frames, chosen, canvas.width] = [null, null, null, 1];
  byId("empty").textContent = reason;
  byId("where").textContent = "";
  timeline.update({ items: [], chosen });
  list.show([], chosen, seconds);
  editor.show(null);
}

// ---- what is looked at

// Events as they are shown: the coder's own, and what was spotted where there is none of the coder's.
function items() {
  if (!facts || !video()) return [];
  const own = video().events.map((event) => ({ ...event, key: `e${event.number}`, ghost: false }));
  const mine = own.find((item) => item.key === dragged?.key);
  if (mine) mine[dragged.phase] = dragged.frame;
  const ghosts = facts.proposals.filter((ghost) => !own.some((event) => overlap(event, ghost) >= 0.3))
    .map((ghost) => ({ ...ghost, key: `s${ghost.number}`, ghost: true }));
  return [...own, ...ghosts].sort((a, b) => a.onset - b.onset || a.offset - b.offset);
}

function overlap(a, b) {
  const shared = Math.min(a.offset, b.offset) - Math.max(a.onset, b.onset) + 1;
  return shared <= 0 ? 0 : shared / (a.offset - a.onset + b.offset - b.onset + 2 - shared);
}

const current = () => items().find((item) => item.key === chosen) ?? null;

function refresh() {
  if (!facts) return;
  const all = items();
  if (!all.some((item) => item.key === chosen)) chosen = null;
  timeline.update({ now, items: all, chosen });
  list.show(all, chosen, seconds);
  editor.show(current(), facts.path, seconds);
  const subject = byId("subject");
  if (document.activeElement !== subject) subject.value = video()?.subject ?? "";
}

function choose(key) {
  chosen = key;
  const item = current();
  if (item) { seek(item.apex ?? item.onset); timeline.reveal(item); }
  refresh();
}

function seek(frame) {
  if (!facts) return;
  frame = Math.max(1, Math.min(facts.count, Math.round(frame)));
  if (frame !== now) direction = frame > now ? 1 : -1;
  now = frame;
  timeline.update({ now });
  show();
}

let showing = false;
// One frame is fetched at a time; when it is there, the one that is looked at by then is next.
async function show() {
  if (showing) return;
  showing = true;
  while (frames) {
    const store = frames, target = comparing && current() ? current().onset : now;
    try {
      const picture = await store.get(target, direction);
      if (store !== frames) continue;  // another video was opened meanwhile
      draw(picture, target);
    } catch (error) {
      if (store !== frames) continue;
      byId("empty").hidden = false;
      byId("empty").textContent = error.message || "the server does not answer";
      drawn = target;
    }
    if (store === frames && target === (comparing && current() ? current().onset : now)) break;
  }
  showing = false;
}

function draw(picture, number) {
  if (canvas.width !== picture.width) canvas.width = picture.width;
  if (canvas.height !== picture.height) canvas.height = picture.height;
  context.drawImage(picture, 0, 0);
  byId("frame").style.setProperty("--shape", `${picture.width} / ${picture.height}`);
  drawn = number;
  canvas.dataset.frame = number;
  byId("empty").hidden = true;
  byId("where").textContent = `${number} of ${facts.count} · ${seconds(number).toFixed(3)} s`;
  if (document.activeElement !== byId("number")) byId("number").value = number;
}

// ---- playing

function play() {
  const item = byId("loop").checked ? current() : null;
  const margin = Math.round(0.15 * facts.fps);
  const from = item ? Math.max(1, item.onset - margin) : 1;
  const to = item ? Math.min(facts.count, item.offset + margin) : facts.count;
  let start = now >= to || now < from ? from : now, begun = performance.now();
  byId("play").setAttribute("aria-pressed", "true");
  byId("play").textContent = "Pause";
  const tick = () => {
    const speed = Number(byId("speed").value) * facts.fps / 1000;
    let frame = start + Math.floor((performance.now() - begun) * speed);
    if (frame > to && item) { [start, begun] = [from, performance.now()]; frame = from; }
    seek(Math.min(frame, to));
    if (frame > to && !item) pause();
    else playing = requestAnimationFrame(tick);
  };
  playing = requestAnimationFrame(tick);
}

function pause() {
  if (playing !== null) cancelAnimationFrame(playing);
  playing = null;
  byId("play").setAttribute("aria-pressed", "false");
  byId("play").textContent = "Play";
}

// ---- edits

// Does something with the coder's own chosen event; with one that was just added, once it is there.
function withOwn(act) {
  if (awaited) { awaited.push(() => withOwn(act)); return; }
  const item = current();
  if (item && !item.ghost) act(item);
}

function change(fields) {
  withOwn((item) => send({ do: "change", number: item.number, event: fields }));
}

function changeKind() {
  withOwn((item) => change({ kind: item.kind === "micro" ? "macro" : "micro" }));
}

function drag(key, phase, frame, done) {
  const item = current();
  if (!item || item.ghost || item.key !== key) return;
  const low = phase === "onset" ? 1 : item.onset, high = phase === "offset" ? facts.count : item.offset;
  dragged = { key, phase, frame: Math.max(low, Math.min(high, frame)), done };
  seek(dragged.frame);
  if (done) change({ [phase]: dragged.frame });
  else refresh();
}

function addHere() {
  if (!facts) return;
  const after = (seconds) => Math.min(facts.count, now + Math.round(seconds * facts.fps));
  awaited = [];
  send({ do: "add", event: { onset: now, apex: after(0.1), offset: after(0.25), kind: "micro" } });
}

function take() {
  const item = current();
  if (!item?.ghost) return;
  const { onset, apex, offset, kind, label, units, subject } = item;
  awaited = [];
  send({ do: "add", event: { onset, apex, offset, kind, label, units, subject } });
}

function remove() {
  withOwn((item) => send({ do: "delete", number: item.number }));
}

function neighbour(step) {
  const all = items();
  if (!all.length) return;
  const at = all.findIndex((item) => item.key === chosen);
  const next = at >= 0 ? at + step : step > 0
    ? all.findIndex((item) => item.onset >= now)
    : all.findLastIndex((item) => item.onset <= now);
  if (all[next]) choose(all[next].key);
}

// ---- keys and buttons

const typing = (target) => target.closest?.("input, select, textarea") && target.type !== "checkbox";

document.addEventListener("keydown", (event) => {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (event.key === "Escape") { document.activeElement?.blur(); return; }
  if (typing(event.target) || event.altKey || !facts) return;
  if (event.ctrlKey || event.metaKey) {
    if (key === "z") send({ do: event.shiftKey ? "redo" : "undo" });
    else if (key === "y") send({ do: "redo" });
    else return;
    event.preventDefault();
    return;
  }
  const far = event.shiftKey ? 10 : 1;
  const actions = {
    ArrowLeft: () => { pause(); seek(now - far); }, ArrowRight: () => { pause(); seek(now + far); },
    ArrowUp: () => neighbour(-1), ArrowDown: () => neighbour(1),
    Home: () => seek(1), End: () => seek(facts.count),
    " ": () => (playing === null ? play() : pause()),
    n: addHere, t: take, Delete: remove, Backspace: remove,
    k: changeKind,
    c: () => { if (!comparing) { comparing = true; byId("comparing").hidden = !current(); show(); } },
  };
  if (key in PHASE_KEYS) change({ [PHASE_KEYS[key]]: now });
  else if (actions[key]) actions[key]();
  else return;
  event.preventDefault();
});

document.addEventListener("keyup", (event) => {
  if (event.key.toLowerCase() !== "c") return;
  comparing = false;
  byId("comparing").hidden = true;
  show();
});

function zoom(large) {
  byId("frame").classList.toggle("zoomed", large);
  canvas.style.transform = large ? "scale(3)" : "";
}

for (const button of document.querySelectorAll("[data-step]")) {
  button.addEventListener("click", () => { pause(); seek(now + Number(button.dataset.step)); });
}
byId("play").addEventListener("click", () => { if (facts) (playing === null ? play() : pause()); });
byId("undo").addEventListener("click", () => send({ do: "undo" }));
byId("redo").addEventListener("click", () => send({ do: "redo" }));
byId("retry").addEventListener("click", () => send({ do: "save" }));
byId("load").addEventListener("click", () => send({ do: "load" }));
byId("new").addEventListener("click", addHere);
byId("take").addEventListener("click", take);
byId("delete").addEventListener("click", remove);
byId("videos").addEventListener("change", (event) => { openVideo(event.target.value); event.target.blur(); });
byId("subject").addEventListener("change", (event) => { send({ do: "subject", subject: event.target.value }); event.target.blur(); });
byId("number").addEventListener("change", (event) => { if (event.target.valueAsNumber) seek(event.target.valueAsNumber); event.target.blur(); });
for (const id of ["speed", "loop", "kind"]) byId(id).addEventListener("change", (event) => event.target.blur());
byId("frame").addEventListener("click", (event) => {
  const box = byId("frame").getBoundingClientRect();
  const x = 100 * (event.clientX - box.left) / box.width, y = 100 * (event.clientY - box.top) / box.height;
  canvas.style.transformOrigin = `${x}% ${y}%`;
  zoom(!byId("frame").classList.contains("zoomed"));
});

connect();
