// What a threshold leaves: clusters that touch by faces, sums per slice. Runs in a worker, off the frame path.

// Codes >= high show as positive, codes <= low as negative; 65535 is no value. Clusters have one sign.
function measureShown(codes, shape, zero, low, high, least) {
  const [nx, ny, nz] = shape;
  const plane = nx * ny;
  const mask = new Uint8Array(codes.length);
  for (let p = 0; p < codes.length; p += 1) {
    const code = codes[p];
    mask[p] = code === 65535 ? 0 : code >= high ? 1 : code <= low ? 2 : 0;
  }
  const queue = new Int32Array(codes.length);
  let clusters = 0;
  let voxels = 0;
  for (let seed = 0; seed < mask.length; seed += 1) {
    const sign = mask[seed];
    if (sign !== 1 && sign !== 2) continue;
    let tail = 1;
    queue[0] = seed;
    mask[seed] = sign + 2;
    for (let head = 0; head < tail; head += 1) {
      const p = queue[head];
      const i = p % nx;
      const j = ((p / nx) | 0) % ny;
      const k = (p / plane) | 0;
      if (i > 0 && mask[p - 1] === sign) mask[(queue[tail++] = p - 1)] = sign + 2;
      if (i < nx - 1 && mask[p + 1] === sign) mask[(queue[tail++] = p + 1)] = sign + 2;
      if (j > 0 && mask[p - nx] === sign) mask[(queue[tail++] = p - nx)] = sign + 2;
      if (j < ny - 1 && mask[p + nx] === sign) mask[(queue[tail++] = p + nx)] = sign + 2;
      if (k > 0 && mask[p - plane] === sign) mask[(queue[tail++] = p - plane)] = sign + 2;
      if (k < nz - 1 && mask[p + plane] === sign) mask[(queue[tail++] = p + plane)] = sign + 2;
    }
    if (tail < least) {
      for (let m = 0; m < tail; m += 1) mask[queue[m]] = 0;
    } else {
      clusters += 1;
      voxels += tail;
    }
  }
  const positive = shape.map((n) => new Float64Array(n));
  const negative = shape.map((n) => new Float64Array(n));
  for (let k = 0, p = 0; k < nz; k += 1) {
    for (let j = 0; j < ny; j += 1) {
      for (let i = 0; i < nx; i += 1, p += 1) {
        if (mask[p] === 0) continue;
        const value = codes[p] - zero;
        const side = value > 0 ? positive : negative;
        side[0][i] += value;
        side[1][j] += value;
        side[2][k] += value;
      }
    }
  }
  return { mask: least > 1 ? mask : null, clusters, voxels, positive, negative };
}

// Measures maps one after another; of requests for one map only the newest is answered.
class Measurer {
  constructor(answer) {
    this.answer = answer;
    this.newest = new Map();
    this.loaded = new Set();
    this.job = 0;
    const source = `${measureShown}
      const maps = new Map();
      onmessage = ({ data }) => {
        if (data.codes) maps.set(data.id, data);
        if (data.drop) { maps.delete(data.drop); return; }
        if (!data.job) return;
        const { codes, shape, zero } = maps.get(data.id);
        postMessage({ id: data.id, job: data.job, ...measureShown(codes, shape, zero, data.low, data.high, data.least) });
      };`;
    this.url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
    this.worker = new Worker(this.url);
    this.worker.onmessage = ({ data }) => {
      this.busy = false;
      if (this.newest.get(data.id)?.job === data.job) this.answer(data.id, data);
      this.next();
    };
    this.waiting = new Map();
    this.busy = false;
  }

  load(id, codes, shape, zero) {
    if (this.loaded.has(id)) return;
    this.loaded.add(id);
    this.worker.postMessage({ id, codes, shape, zero });
  }

  keepOnly(ids) {
    for (const id of this.loaded) {
      if (ids.has(id)) continue;
      this.loaded.delete(id);
      this.worker.postMessage({ drop: id });
    }
  }

  ask(id, low, high, least) {
    const request = { id, job: (this.job += 1), low, high, least };
    this.newest.set(id, request);
    this.waiting.set(id, request);
    if (!this.busy) this.next();
  }

  next() {
    const [id, request] = this.waiting.entries().next().value ?? [];
    if (!request) return;
    this.waiting.delete(id);
    if (!this.loaded.has(id)) { this.next(); return; }
    this.busy = true;
    this.worker.postMessage(request);
  }

  get idle() {
    return !this.busy && this.waiting.size === 0;
  }

  close() {
    this.worker.terminate();
    URL.revokeObjectURL(this.url);
  }
}
