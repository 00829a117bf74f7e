// Drawing on canvases: pure functions of what is known, called once a display frame at most.

const SECONDS = 10;

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

// Outline and landmarks of every face; `record.origin` is where a part of the frame was cut out.
export function drawOverlay(canvas, record, size, person) {
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

// One lane for events, then one row a class: how its probability went.
export function drawTimeline(canvas, { samples, events, classes, now, person }) {
  const context = fit(canvas);
  const theme = colours();
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  const gutter = Math.min(92, width * 0.24);
  const axis = 18;
  const lane = 26;
  const row = (height - lane - axis) / Math.max(classes.length, 1);
  const x = (time) => gutter + (width - gutter - 2) * (1 + (time - now) / SECONDS);
  context.font = "12px system-ui, sans-serif";
  context.textBaseline = "middle";

  context.fillStyle = theme.muted;
  context.fillText("events", 0, lane / 2);
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

  const mine = samples.filter((one) => one.person === person && one.values);
  classes.forEach((name, index) => {
    const base = lane + (index + 1) * row - 2;
    const reach = row - 5;
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
      const from = Math.floor(Math.max(x(one.time), gutter));
      const tall = one.values[index] * reach;
      context.fillRect(from, base - tall, Math.max(Math.ceil(x(next.time)) - from, 1), tall);
    }
  });

  const shown = events.filter((event) => x(event.offset) >= gutter && event.onset <= now);
  for (const event of shown) {
    const from = Math.max(x(event.onset), gutter);
    const to = Math.min(Math.max(x(event.offset), from + 3), width);
    const micro = event.kind === "micro";
    context.fillStyle = micro ? theme.accent : theme.muted;
    context.globalAlpha = micro ? 0.16 : 0.1;
    context.fillRect(from, lane, to - from, height - lane - axis);
    context.globalAlpha = micro ? 1 : 0.55;
    context.fillRect(from, lane - 7, to - from, 6);
    context.globalAlpha = 1;
  }

  // Of names that would lie on each other the first one stands, a micro-expression's before others.
  const taken = [];
  for (const event of [...shown].sort((a, b) => (b.kind === "micro") - (a.kind === "micro"))) {
    const micro = event.kind === "micro";
    const text = event.label && micro ? event.label : event.kind;
    const wide = context.measureText(text).width;
    const from = Math.min(Math.max(x(event.onset), gutter), width - wide);
    if (taken.some(([left, right]) => from < right + 4 && left < from + wide + 4)) continue;
    taken.push([from, from + wide]);
    context.fillStyle = micro ? theme.accent : theme.muted;
    context.fillText(text, from, lane / 2 - 5);
  }
}

function clipped(context, text, room) {
  if (context.measureText(text).width <= room) return text;
  let short = text;
  while (short && context.measureText(`${short}…`).width > room) short = short.slice(0, -1);
  return `${short}…`;
}
