// Colour scales and look-up tables. Signed maps diverge about 0, unsigned ones grow; none sets red against green.

import { NO_VALUE } from './codes.js';
import { clamp } from './numbers.js';

export const SCALES = {
  signed: {
    'blue-red': {
      label: 'Blue – red',
      stops: ['#1f6fff', '#3f93f5', '#6fb6ea', '#b9d4e3', '#d8d8d8', '#f2cfa0', '#fba94f', '#fb6a20', '#f02000'],
    },
    'blue-black-red': {
      label: 'Blue – black – red',
      stops: ['#c4f3ff', '#5cb8ff', '#2378f0', '#1a3fae', '#12121c', '#9c1616', '#e23c1e', '#ff8a26', '#ffeaa6'],
    },
    'blue-white-red': {
      label: 'Blue – white – red',
      stops: ['#053061', '#2166ac', '#4393c3', '#92c5de', '#f7f7f7', '#f4a582', '#d6604d', '#b2182b', '#67001f'],
    },
    'purple-orange': {
      label: 'Purple – orange',
      stops: ['#e6daff', '#b193ff', '#7b4be0', '#4a2a9c', '#16141a', '#8a4204', '#cc6a08', '#ffa63c', '#ffe6b8'],
    },
  },
  unsigned: {
    'orange-red': { label: 'Orange – red', stops: ['#f2cfa0', '#fba94f', '#fb6a20', '#f02000'] },
    inferno: {
      label: 'Inferno',
      stops: ['#160b39', '#420a68', '#6a176e', '#932667', '#bc3754', '#dd513a', '#f37819', '#fca50a', '#f6d746', '#fcffa4'],
    },
    hot: {
      label: 'Hot',
      stops: ['#4a0000', '#a00000', '#f01000', '#ff7000', '#ffc000', '#ffff60', '#ffffe8'],
    },
    viridis: {
      label: 'Viridis',
      stops: ['#440154', '#482878', '#3e4989', '#31688e', '#26828e', '#1f9e89', '#35b779', '#6ece58', '#b5de2b', '#fde725'],
    },
  },
};
export const HIDDEN_GREY = [118, 118, 122];

const parseColor = (text) => [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16));

// 256 colours, 3 bytes each, linear between the stops; of a signed scale all, or the half of one sign.
export function colorRamp(kind, name, part = 'both') {
  const scale = SCALES[kind][name] ?? Object.values(SCALES[kind])[0];
  const middle = (scale.stops.length - 1) / 2;
  const half = { both: scale.stops, negative: scale.stops.slice(0, middle + 1), positive: scale.stops.slice(middle) }[part];
  const stops = half.map(parseColor);
  const ramp = new Uint8Array(768);
  for (let i = 0; i < 256; i += 1) {
    const at = (i / 255) * (stops.length - 1);
    const left = Math.min(stops.length - 2, Math.floor(at));
    for (let c = 0; c < 3; c += 1) ramp[3 * i + c] = Math.round(stops[left][c] + (at - left) * (stops[left + 1][c] - stops[left][c]));
  }
  return ramp;
}

// The largest magnitude of a scale.
export function farEnd(range) {
  return Math.max(Math.abs(range[0]), Math.abs(range[1]));
}

// Where a value stands on its scale, 0..255.
export function rampIndex(value, range) {
  return Math.round(255 * clamp((value - range[0]) / (range[1] - range[0]), 0, 1));
}

// How opaque a value is drawn where weak relevance fades: weak relevance stays visible, none stays clear.
export function strengthOf(value, top) {
  return Math.min(1, Math.abs(value) / top) ** 0.6;
}

// Code (16 bit) to colour, alpha 0 where the map is below its cuts.
export function overlayTable(map, look, table) {
  const { ramp, range, cuts, opacity, fade } = look;
  const top = farEnd(range) || 1;
  table.fill(0);
  const paint = (from, to) => {
    for (let code = Math.max(0, from); code <= Math.min(to, NO_VALUE - 1); code += 1) {
      const value = (code - map.zero) * map.scale;
      const at = 3 * rampIndex(value, range);
      const alpha = Math.round(255 * opacity * (fade ? strengthOf(value, top) : 1));
      table[code] = ((alpha << 24) | (ramp[at + 2] << 16) | (ramp[at + 1] << 8) | ramp[at]) >>> 0;
    }
  };
  paint(0, cuts.low);
  paint(cuts.high, NO_VALUE - 1);
  return table;
}

// Code (8 bit) to grey between two codes.
export function greyTable(black, white, table) {
  const span = Math.max(1e-6, white - black);
  for (let code = 0; code < 256; code += 1) {
    const grey = Math.round(255 * clamp((code - black) / span, 0, 1));
    table[code] = ((255 << 24) | (grey << 16) | (grey << 8) | grey) >>> 0;
  }
  return table;
}
