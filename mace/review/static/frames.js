// Frames of a video by number: those nearby are fetched ahead, and a few hundred are kept.

const AT_ONCE = 4, CACHED_PX = 60e6, AHEAD = 20, BEHIND = 6;

export function address(name, query) {
  const token = new URLSearchParams(location.search).get("token");
  const all = new URLSearchParams(token ? { ...query, token } : query);
  return `${name}?${all}`;
}

export class Frames {
  constructor(path, count) {
    this.path = path;
    this.count = count;
    this.cache = new Map();    // number to ImageBitmap, the latest used last
    this.asked = new Map();   // number to a promise
    this.queue = [];
    this.px = 0;
  }

  // The picture of a frame, and soon those that lie in the direction of going.
  async get(number, direction = 1) {
    const picture = this.cache.get(number) ?? await this.fetch(number);
    if (this.cache.delete(number)) this.cache.set(number, picture);
    const next = [];
    for (let k = 1; k <= AHEAD; k++) next.push(number + direction * k);
    for (let k = 1; k <= BEHIND; k++) next.push(number - direction * k);
    this.queue = next.filter((n) => n >= 1 && n <= this.count && !this.cache.has(n) && !this.asked.has(n));
    this.pump();
    return picture;
  }

  pump() {
    while (this.asked.size < AT_ONCE && this.queue.length) {
      this.fetch(this.queue.shift()).catch(() => {});
    }
  }

  fetch(number) {
    if (!this.asked.has(number)) {
      const promise = this.load(number).finally(() => { this.asked.delete(number); this.pump(); });
      this.asked.set(number, promise);
    }
    return this.asked.get(number);
  }

  async load(number) {
    const answer = await fetch(address("frame", { path: this.path, number }));
    if (!answer.ok) throw new Error((await answer.text()).trim());
    const picture = await createImageBitmap(await answer.blob());
    this.cache.set(number, picture);
    this.px += picture.width * picture.height;
    for (const [oldest, old] of this.cache) {
      if (this.px <= CACHED_PX || this.cache.size <= 2 * (AHEAD + BEHIND)) break;
      this.cache.delete(oldest);
      this.px -= old.width * old.height;
    }
    return picture;
  }
}
