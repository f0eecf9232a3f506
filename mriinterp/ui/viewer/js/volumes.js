// The volumes that Python's message refers to, decoded once and kept while they are used.

import { Areas } from './areas.js';
import { joinPlanes } from './codes.js';
import { RelevanceMap } from './relevance_map.js';
import { Scan } from './scan.js';
import { volumeBytes } from './store.js';

export class Volumes {
  constructor() {
    this.decoded = new Map();
  }

  async obtain(id, meta, make) {
    if (!this.decoded.has(id)) this.decoded.set(id, make(await volumeBytes(meta.volume)));
    return this.decoded.get(id);
  }

  // Scans, maps, areas and contours of a message, and the ids of all of them.
  async load(spec) {
    const scanId = (meta) => `scan ${meta.volume}`;
    const areasId = (meta) => `areas ${meta.volume}`;
    const all = (metas, id, make) => Promise.all(metas.map((meta) => this.obtain(id(meta), meta, (bytes) => make(meta, bytes))));
    const contourId = (meta) => `contour ${meta.volume} ${meta.name} ${meta.color}`;
    const atlas = spec.atlas ? [spec.atlas] : [];
    const [scans, maps, [areas = null], contours] = await Promise.all([
      all(spec.scans, scanId, (meta, bytes) => new Scan(meta, bytes)),
      all(spec.layers, mapId, (meta, bytes) => new RelevanceMap(meta, bytes, spec.shape)),
      all(atlas, areasId, (meta, bytes) => new Areas(meta, bytes)),
      all(spec.contours, contourId, (meta, bytes) => ({ ...meta, codes: joinPlanes(bytes, meta.bits) })),
    ]);
    const used = new Set([
      ...spec.scans.map(scanId), ...spec.layers.map(mapId), ...atlas.map(areasId), ...spec.contours.map(contourId),
    ]);
    return { scans, maps, areas, contours, used };
  }

  keepOnly(ids) {
    for (const id of this.decoded.keys()) if (!ids.has(id)) this.decoded.delete(id);
  }
}

// Identity of a map: the same codes are read in another way when the map is unsigned.
export function mapId(meta) {
  return `${meta.volume}${meta.signed}`;
}
