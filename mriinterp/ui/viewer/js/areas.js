// Areas of an atlas: a running number for each voxel, and a name for each number.

import { joinPlanes } from './codes.js';

export class Areas {
  constructor(meta, bytes) {
    this.name = meta.name;
    this.names = meta.names;
    this.codes = joinPlanes(bytes, meta.bits);
  }

  at(index) {
    const code = this.codes[index];
    return code === 0 ? 'outside the areas' : this.names[code - 1];
  }
}
