// The corrected face with its motion multiplied: what mace/motion/exaggeration.py does, for a page.

const FARTHEST = 0.12; // of the side
const LEAST_AREA = 0.3;
const ROUNDS = 12;
const NEWTON = 6;

// The motion of a record as px of its own side, u and v in turn.
export function readMotion(record) {
  const letters = atob(record.data);
  const motion = new Float32Array(letters.length);
  // Signed bytes. A loop, since this is done for every picture.
  for (let i = 0; i < motion.length; i += 1) motion[i] = ((letters.charCodeAt(i) << 24) >> 24) * record.scale;
  return motion;
}

// Draws the face of `outline` (corners in px of the frame, of which `source` shows all) on `canvas`.
export function drawFace(canvas, source, size, outline, motion, factor) {
  const context = canvas.getContext("2d", { willReadFrequently: true });
  const side = canvas.width;
  const [ox, oy] = outline[0].map((v) => v + 0.5);
  const [ax, ay] = [0, 1].map((i) => (outline[1][i] - outline[0][i]) / side);
  const [bx, by] = [0, 1].map((i) => (outline[3][i] - outline[0][i]) / side);
  const area = ax * by - ay * bx;
  if (!(Math.abs(area) > 1e-9)) return;
  const [m11, m12, m21, m22] = [by / area, -ay / area, -bx / area, ax / area];
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.fillStyle = "#0e0d0c";
  context.fillRect(0, 0, side, side);
  context.setTransform(m11, m12, m21, m22, -(m11 * ox + m21 * oy), -(m12 * ox + m22 * oy));
  context.drawImage(source, 0, 0, size[0], size[1]);
  if (!motion || factor === 1) return;
  const back = backward(readMotion(motion), motion.side, factor);
  const plain = context.getImageData(0, 0, side, side);
  const moved = new ImageData(side, side);
  resample(plain, moved, back, motion.side);
  context.putImageData(moved, 0, 0);
}

// How far what is to be seen at each point has come since the picture, in px of the motion.
export function backward(motion, side, factor) {
  const shift = unfolded(motion.map((value) => value * factor), side);
  const [ux, uy, vx, vy] = slopes(shift, side);
  const came = shift.slice();
  for (let round = 0; round < NEWTON; round += 1) {
    for (let i = 0; i < side * side; i += 1) {
      const at = place(side, (i % side) - came[2 * i], Math.floor(i / side) - came[2 * i + 1]);
      const u = at(shift, 2, 0) - came[2 * i];
      const v = at(shift, 2, 1) - came[2 * i + 1];
      const [a, b, c, d] = [1 + at(ux, 1, 0), at(uy, 1, 0), at(vx, 1, 0), 1 + at(vy, 1, 0)];
      const area = Math.max(a * d - b * c, LEAST_AREA);
      came[2 * i] += (d * u - b * v) / area;
      came[2 * i + 1] += (a * v - c * u) / area;
    }
  }
  return came.map((value) => value * (1 - 1 / factor));
}

// Carries no point too far and folds nothing over: smoothed where an area would vanish.
export function unfolded(shift, side) {
  const field = shift.slice();
  const most = FARTHEST * side;
  for (let i = 0; i < side * side; i += 1) {
    const long = (Math.hypot(field[2 * i], field[2 * i + 1]) / most) ** 4;
    const held = Math.sqrt(Math.sqrt(1 + long));
    field[2 * i] /= held;
    field[2 * i + 1] /= held;
  }
  for (let round = 1; round <= ROUNDS; round += 1) {
    const [ux, uy, vx, vy] = slopes(field, side);
    const folding = ux.map((slope, i) => +((1 + slope) * (1 + vy[i]) - uy[i] * vx[i] < LEAST_AREA));
    if (!folding.some((value) => value)) break;
    const sigma = (round * side) / 128;
    const near = blurred(folding, side, 1, 1.5 * sigma);
    const smooth = blurred(field, side, 2, sigma);
    for (let i = 0; i < field.length; i += 1) field[i] += Math.min(8 * near[i >> 1], 1) * (smooth[i] - field[i]);
  }
  return field;
}

function slopes(field, side) {
  const parts = [0, 1, 2, 3].map(() => new Float32Array(side * side));
  for (let y = 0; y < side; y += 1) {
    for (let x = 0; x < side; x += 1) {
      const [left, right] = [Math.max(x - 1, 0), Math.min(x + 1, side - 1)];
      const [up, down] = [Math.max(y - 1, 0), Math.min(y + 1, side - 1)];
      for (let c = 0; c < 2; c += 1) {
        parts[2 * c][y * side + x] = (field[2 * (y * side + right) + c] - field[2 * (y * side + left) + c]) / (right - left);
        parts[2 * c + 1][y * side + x] = (field[2 * (down * side + x) + c] - field[2 * (up * side + x) + c]) / (down - up);
      }
    }
  }
  return parts;
}

// A Gaussian, along rows and then along columns; the border is repeated.
function blurred(values, side, depth, sigma) {
  const radius = Math.max(1, Math.ceil(3 * sigma));
  const kernel = Float32Array.from({ length: 2 * radius + 1 }, (_, k) => Math.exp(-0.5 * ((k - radius) / sigma) ** 2));
  const sum = kernel.reduce((a, b) => a + b);
  let from = values;
  for (const [step, other] of [[1, side], [side, 1]]) {
    const to = new Float32Array(values.length);
    for (let line = 0; line < side; line += 1) {
      for (let at = 0; at < side; at += 1) {
        for (let c = 0; c < depth; c += 1) {
          let total = 0;
          for (let k = -radius; k <= radius; k += 1) {
            const near = Math.min(Math.max(at + k, 0), side - 1);
            total += kernel[k + radius] * from[(line * other + near * step) * depth + c];
          }
          to[(line * other + at * step) * depth + c] = total / sum;
        }
      }
    }
    from = to;
  }
  return from;
}

// Reads fields between their pixels, at one place.
function place(side, x, y) {
  const [cx, cy] = [Math.min(Math.max(x, 0), side - 1.001), Math.min(Math.max(y, 0), side - 1.001)];
  const [left, top] = [Math.floor(cx), Math.floor(cy)];
  const [right, down] = [cx - left, cy - top];
  const first = top * side + left;
  return (field, depth, c) => {
    const [a, b] = [field[first * depth + c], field[(first + 1) * depth + c]];
    const [d, e] = [field[(first + side) * depth + c], field[(first + side + 1) * depth + c]];
    return (a + right * (b - a)) * (1 - down) + (d + right * (e - d)) * down;
  };
}

function resample(plain, moved, back, from) {
  const side = plain.width;
  const scale = from / side;
  for (let y = 0; y < side; y += 1) {
    for (let x = 0; x < side; x += 1) {
      const at = place(from, (x + 0.5) * scale - 0.5, (y + 0.5) * scale - 0.5);
      const pick = place(side, x - at(back, 2, 0) / scale, y - at(back, 2, 1) / scale);
      for (let c = 0; c < 3; c += 1) moved.data[4 * (y * side + x) + c] = pick(plain.data, 4, c) + 0.5;
      moved.data[4 * (y * side + x) + 3] = 255;
    }
  }
}
