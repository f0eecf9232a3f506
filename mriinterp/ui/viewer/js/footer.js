// Words under the picture: where the crosshair is, what is there, what outlines mean, and how much is shown.

import { h } from './dom.js';
import { CONVENTIONS } from './geometry.js';
import { formatCount, formatMm, formatNumber } from './numbers.js';

export class Footer {
  constructor() {
    this.status = h('div', { class: 'status', role: 'status', 'data-text': true });
    this.convention = h('span', { class: 'convention', 'data-text': true });
    this.contours = h('span', { class: 'contours' });
    this.shown = h('span', { class: 'shown', 'data-text': true });
    this.words = h('div', { class: 'note', hidden: true, 'data-text': true });
    this.why = h('div', { class: 'why', role: 'status', hidden: true, 'data-text': true });
    const notes = h('div', { class: 'notes' }, this.convention, this.contours, this.shown);
    this.element = h('div', { class: 'footer' }, this.why, this.words, this.status, notes);
  }

  // What the page says of the picture; why it is drawn faintly stands over it, so that nothing below moves.
  note({ note, dimmed }) {
    this.words.textContent = note;
    this.words.hidden = !note;
    this.why.textContent = dimmed;
    this.why.hidden = !dimmed;
    this.element.parentElement.classList.toggle('dimmed', Boolean(dimmed));
  }

  // Status line, and the readings of every map at the crosshair.
  describePlace(viewer) {
    const { areas, cursor, space, spec, views } = viewer;
    const index = space.index(cursor);
    const parts = [
      `${spec.space} (${space.mm(cursor).map(formatMm).join(', ')}) mm`,
      `voxel (${space.fileVoxel(cursor).join(', ')})`,
      `${spec.scanLabel} ${formatNumber(views[0].scan.value(index))}`,
    ];
    for (const view of views) {
      if (!view.map) continue;
      const text = formatNumber(view.map.value(index), 4);
      if (views.length === 1) parts.push(`${spec.valueLabel} ${text}`);
      view.reading.textContent = views.length === 1 ? '' : text;
    }
    if (areas) parts.push(areas.at(index));
    const inside = viewer.contours.filter((contour) => contour.codes[index]).map((contour) => `inside: ${contour.name}`);
    this.status.textContent = [...parts, ...inside].join(' · ');
  }

  describeSettings({ settings, contours }) {
    this.convention.textContent = CONVENTIONS[settings.convention];
    this.contours.replaceChildren(...(settings.contours ? contours : []).flatMap(({ name, color }) => [
      h('span', { class: 'swatch', style: `color: ${color}`, text: '━━', 'data-text': true }), h('span', { text: name, 'data-text': true }),
    ]));
  }

  // How much of a single map passes the threshold.
  describeShown({ views, space }) {
    const view = views.find((one) => one.measured);
    if (!view || views.length > 1) { this.shown.textContent = ''; return; }
    const { voxels, clusters } = view.measured;
    const size = view.map.signed ? '|value|' : 'value';
    const least = view.threshold > 0 ? `${size} ≥ ${formatNumber(view.threshold)}: ` : '';
    this.shown.textContent = `Shown: ${least}${formatCount(voxels)} voxels (${formatNumber((voxels * space.voxelVolume) / 1000)} cm³) `
      + `in ${formatCount(clusters)} ${clusters === 1 ? 'cluster' : 'clusters'}`;
  }
}
