// The browser's camera: frames out of it, as binary messages, no more in flight than allowed.

const HEADER_BYTES = 24;
const JPEG = 1;
const GREY = 2;
const QUALITY = 0.92;
// Sides of the raw grey part, in face widths; and how near to its border the face may come.
const ROOM = 1.9;
const NEAR = 0.06;
// A part of the frame is sent only once the face has been where it is for so long.
const SETTLE_MS = 1500;

export class Camera {
  constructor(video, send) {
    this.video = video;
    this.send = send;
    this.format = "jpeg";
    this.paused = false;
    this.ready = false;
    this.inFlight = new Map(); // sequence -> { sent, origin }
    this.limit = 2;
    this.maxPixels = 1920 * 1080;
    this.skipped = 0;
    this.sequence = 0;
    this.busy = false;
    this.part = null; // { x, y, width, height } of the raw grey part
    this.since = 0;
    this.keeps = false; // the pictures that are sent, until they are answered
    this.canvas = document.createElement("canvas");
    this.context = this.canvas.getContext("2d", { willReadFrequently: true });
  }

  async start() {
    if (!navigator.mediaDevices?.getUserMedia) {
      throw new Error("Browsers give their camera to https and localhost pages only; see what `mace live` printed about TLS");
    }
    this.stream = await navigator.mediaDevices.getUserMedia({
      audio: false,
      video: { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 60 }, facingMode: "user" },
    });
    this.video.srcObject = this.stream;
    await this.video.play();
    this.next();
  }

  stop() {
    this.stream?.getTracks().forEach((track) => track.stop());
    this.video.srcObject = null;
    this.stream = null;
    this.inFlight.clear();
  }

  get size() {
    return [this.video.videoWidth, this.video.videoHeight];
  }

  next() {
    if (!this.stream) return;
    if (this.video.requestVideoFrameCallback) {
      this.video.requestVideoFrameCallback((now, facts) => this.frame(facts.captureTime ?? now));
    } else {
      requestAnimationFrame((now) => this.frame(now));
    }
  }

  async frame(time) {
    this.next();
    if (this.paused || !this.ready || !this.stream) return;
    if (this.busy || this.inFlight.size >= this.limit) {
      this.skipped += 1;
      return;
    }
    this.busy = true;
    try {
      await this.take(time);
    } finally {
      this.busy = false;
    }
  }

  async take(time) {
    let [width, height] = this.size;
    if (!width) return;
    const part = this.format === "grey" ? this.part : null;
    const scale = Math.min(1, Math.sqrt(this.maxPixels / (width * height)));
    const from = part || { x: 0, y: 0, width, height };
    width = Math.floor(from.width * (part ? 1 : scale));
    height = Math.floor(from.height * (part ? 1 : scale));
    if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width, height });
    this.context.drawImage(this.video, from.x, from.y, from.width, from.height, 0, 0, width, height);
    const body = part ? grey(this.context.getImageData(0, 0, width, height)) : await this.jpeg();
    const picture = this.keeps ? await createImageBitmap(this.canvas) : null;
    if (!this.stream || !body) return;
    const sequence = (this.sequence = (this.sequence + 1) >>> 0);
    const header = new DataView(new ArrayBuffer(HEADER_BYTES));
    header.setUint8(0, 1);
    header.setUint8(1, part ? GREY : JPEG);
    header.setUint32(4, sequence, true);
    header.setFloat64(8, time, true);
    header.setUint16(16, part ? width : 0, true);
    header.setUint16(18, part ? height : 0, true);
    this.inFlight.set(sequence, { sent: performance.now(), origin: part ? [part.x, part.y] : [0, 0], picture });
    this.send(new Blob([header, body]));
  }

  jpeg() {
    return new Promise((resolve) => this.canvas.toBlob(resolve, "image/jpeg", QUALITY));
  }

  // What became of a frame: its delay in ms, where it was cut out, and what was in it.
  answered(sequence) {
    const frame = this.inFlight.get(sequence);
    this.inFlight.delete(sequence);
    return frame && { delay: performance.now() - frame.sent, origin: frame.origin, picture: frame.picture };
  }

  // Chooses the part that is sent raw. It stays where it is, since the face is measured within it.
  follow(outline, origin) {
    if (this.format !== "grey" || !outline) {
      if (this.format !== "grey") this.part = null;
      this.since = outline ? this.since || performance.now() : 0;
      return;
    }
    const xs = outline.map(([x]) => x + origin[0]);
    const ys = outline.map(([, y]) => y + origin[1]);
    const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
    const [width, height] = this.size;
    if (this.part) {
      const { part } = this;
      const [near, far] = [part.width * NEAR, part.height * NEAR];
      const leaves = (part.x > 0 && left < part.x + near) || (part.y > 0 && top < part.y + far)
        || (part.x + part.width < width && right > part.x + part.width - near)
        || (part.y + part.height < height && bottom > part.y + part.height - far);
      if (leaves) Object.assign(this, { part: null, since: performance.now() });
      return;
    }
    this.since = this.since || performance.now();
    if (performance.now() - this.since < SETTLE_MS) return;
    const side = (from, to, whole) => {
      const long = Math.min(Math.round((to - from) * ROOM), whole);
      return [Math.max(0, Math.min(Math.round((from + to - long) / 2), whole - long)), long];
    };
    const [x, partWidth] = side(left, right, width);
    const [y, partHeight] = side(top, bottom, height);
    this.part = { x, y, width: partWidth, height: partHeight };
  }
}

// Luma as BT.601 has it, which is what the server makes of colours as well.
function grey(image) {
  const { data } = image;
  const out = new Uint8Array(data.length / 4);
  for (let i = 0, j = 0; j < out.length; i += 4, j += 1) {
    out[j] = (299 * data[i] + 587 * data[i + 1] + 114 * data[i + 2] + 500) / 1000;
  }
  return out;
}
