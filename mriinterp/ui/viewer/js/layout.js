// Sizes: how planes share the width. All planes of a view have one scale, so a millimetre is a millimetre everywhere.

import { h } from './dom.js';
import { PLANES, Space } from './geometry.js';
import { clamp } from './numbers.js';
import { startSettings } from './settings.js';

const GAP = 3;
const PROFILE_HEIGHT = 38;
const COLUMN_GAP = 14;
const USUAL_WINDOW = 800;
const STAGE_GAP = 12;

const ABOVE = 37; // pixels: the row of controls
const HEAD = 46; // a headline
const STACKED_HEAD = 106; // the same, its parts above each other
const PROFILE = PROFILE_HEIGHT + 2;
const BELOW = 49; // the words at the foot

// Keep the room that rows of planes will take, while their images are on the way.
export function reserveRoom(viewer, spec) {
  const height = expectedHeight(spec, viewer.root.clientWidth);
  viewer.stage.style.marginTop = `${ABOVE}px`;
  viewer.stage.style.minHeight = `${height}px`;
  viewer.root.style.minHeight = `${ABOVE + height + BELOW}px`;
}

// Height of all maps of a viewer, as the first frame will draw them.
export function expectedHeight(spec, wide) {
  const settings = startSettings(spec.settings);
  const extents = planesOf(settings).map((plane) => new Space(spec).extent(plane));
  const [across, up] = [extents.map(([w]) => w), extents.map(([, t]) => t)];
  const count = Math.max(1, spec.layers.length);
  const columns = usesColumns(count, settings);
  const tallest = tallestRow(spec, ...shareOf(extents.length, columns, count));
  const profile = spec.layers.length ? PROFILE : 0;
  if (columns) {
    const column = Math.floor((wide - COLUMN_GAP * (count - 1)) / count);
    const scale = Math.min(column / Math.max(...across), tallest / Math.max(...up));
    return STACKED_HEAD + up.reduce((total, one) => total + Math.round(one * scale) + profile, 0);
  }
  const sum = across.reduce((total, w) => total + w, 0);
  const row = Math.min(tallest, ((wide - GAP * (extents.length - 1)) / sum) * Math.max(...up));
  return count * (HEAD + Math.round(row) + profile) + STAGE_GAP * (count - 1);
}

// The planes that are shown of each map.
export function planesOf(settings) {
  return settings.planes === 'all' ? PLANES : PLANES.filter((plane) => plane.name === settings.planes);
}

// How much of the window's height a row of planes may take, and at most how many pixels.
function shareOf(planes, columns, count) {
  const single = planes === 1;
  return [single ? 0.72 : columns || count === 1 ? 0.58 : 0.38, single ? 1000 : 640];
}

// Keep the height of the planes until others are in their place; the viewer.
export function holdRoom(viewer) {
  viewer.stage.style.minHeight = `${viewer.stage.offsetHeight}px`;
  return viewer;
}

function releaseRoom({ root, stage }) {
  root.style.minHeight = '';
  stage.style.minHeight = '';
  stage.style.marginTop = '';
}

// A height that a page asks for is that in a window of USUAL_WINDOW; half of what a window has more is the planes'.
export function tallestRow(spec, share, most, windowHeight = globalThis.innerHeight || 900) {
  if (spec.height) return spec.height + Math.max(0, windowHeight - USUAL_WINDOW) / 2;
  return clamp(windowHeight * share, 280, most);
}

// The same where a page is presented: what the window leaves beside the sentence, headlines and buttons.
function presentedRow(rows, type) {
  return Math.max(120, ((globalThis.innerHeight || 900) - 200) / rows - 56 * type);
}

export function layoutViews(viewer) {
  const { views, settings, stage, spec } = viewer;
  const width = stage.clientWidth;
  if (!width || !views.length) return false;
  const columns = usesColumns(views.length, settings);
  stage.classList.toggle('columns', columns);
  const wide = columns ? Math.floor((width - COLUMN_GAP * (views.length - 1)) / views.length) : width;
  const tallest = viewer.type > 1 ? presentedRow(columns ? 1 : views.length, viewer.type)
    : tallestRow(spec, ...shareOf(viewer.shownPlanes.length, columns, views.length));
  for (const view of views) {
    view.element.style.width = columns ? `${wide}px` : '';
    view.head.classList.toggle('stacked', columns || wide < 620);
    view.bar?.resize(columns ? wide : Math.min(300 * viewer.type, wide * 0.4));
    if (settings.view === 'mosaic') {
      view.planes.replaceChildren(view.mosaic.canvas);
      view.mosaic.resize(wide);
      continue;
    }
    layoutPlanes(viewer, view, wide, tallest, columns);
  }
  alignHeads(views, columns);
  releaseRoom(viewer);
  return true;
}

// Planes of all columns begin at one height, however long the headlines.
function alignHeads(views, columns) {
  for (const view of views) view.head.style.minHeight = '';
  if (!columns) return;
  const tallest = Math.max(...views.map((view) => view.head.offsetHeight));
  for (const view of views) view.head.style.minHeight = `${tallest}px`;
}

function usesColumns(count, settings) {
  if (count < 2 || settings.view === 'mosaic') return false;
  return settings.layout === 'auto' ? count > 2 : settings.layout === 'columns';
}

function layoutPlanes(viewer, view, wide, tallest, columns) {
  const planes = viewer.shownPlanes;
  const extents = planes.map((plane) => viewer.space.extent(plane));
  const across = extents.map(([w]) => w);
  const up = extents.map(([, t]) => t);
  const sum = across.reduce((total, w) => total + w, 0);
  const room = wide - GAP * (planes.length - 1);
  const rowHeight = Math.round(Math.min(tallest, (room / sum) * Math.max(...up)));
  const columnScale = Math.min(wide / Math.max(...across), tallest / Math.max(...up));
  view.planes.classList.toggle('stacked', columns);
  view.planes.replaceChildren(...planes.map((plane, n) => {
    const width = columns ? wide : Math.floor((room * across[n]) / sum);
    const height = columns ? Math.round(up[n] * columnScale) : rowHeight;
    view.panes[plane.axis].resize(width, height);
    view.profiles[plane.axis]?.resize(width, PROFILE_HEIGHT);
    return h('div', { class: 'cell' }, view.panes[plane.axis].canvas, view.profiles[plane.axis]?.canvas);
  }));
}
