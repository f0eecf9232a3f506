// Asks the worker to measure maps, one after another.

import workerSource from 'worker:./measure_entry.js';

// Of requests for one map only the newest is answered.
export class Measurer {
  constructor(answer) {
    this.answer = answer;
    this.newest = new Map();
    this.loaded = new Set();
    this.job = 0;
    this.url = URL.createObjectURL(new Blob([workerSource], { type: 'text/javascript' }));
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
