// The panel of all settings, over the planes: opening it moves nothing.

import { SCALES } from './colors.js';
import { h, icon } from './dom.js';
import { PLANES } from './geometry.js';

const share = (v) => `${Math.round(100 * v)}%`;

export class DisplayPanel {
  constructor(viewer, controls, overlay) {
    this.play = controls.button({ label: 'Play', image: 'play', name: 'play', press: () => viewer.player.toggle() });
    this.element = panel(viewer, controls, overlay, this.play);
  }

  showPlaying(playing) {
    this.play.replaceChildren(icon(playing ? 'pause' : 'play'));
    this.play.setAttribute('aria-label', playing ? 'Pause' : 'Play');
    this.play.setAttribute('aria-pressed', String(playing));
  }
}

function panel(viewer, controls, overlay, play) {
  const planes = [['all', 'all three'], ...PLANES.map((plane) => [plane.name, plane.name])];
  const conventions = [['radiological', 'Radiological'], ['neurological', 'Neurological']];
  const scales = (kind) => Object.entries(SCALES[kind]).map(([name, scale]) => [name, scale.label]);
  const top = h('input', {
    type: 'number', min: '0', step: 'any', class: 'number', placeholder: 'auto', 'data-setting': 'top',
    'aria-label': 'Top of the colour scale',
    title: 'Value at the end of the colour scale of every map; empty: chosen for you',
    onchange: () => viewer.set({ top: Number(top.value) > 0 ? Number(top.value) : null }),
  });
  const signed = controls.select({ text: 'Colours', setting: 'signedScale', options: scales('signed') });
  const unsigned = controls.select({ text: 'Colours', setting: 'unsignedScale', options: scales('unsigned') });
  const common = controls.toggle({ text: 'One colour scale for all maps', setting: 'share_range' });
  const layouts = [['auto', 'automatic'], ['rows', 'rows'], ['columns', 'columns']];
  const layout = controls.select({ text: 'Maps in', setting: 'layout', options: layouts });
  const contours = controls.toggle({ text: '', setting: 'contours' });
  const patch = controls.toggle({ text: 'Occlusion window', setting: 'patch' });
  controls.syncs.push((settings) => {
    const kinds = viewer.views.filter((view) => view.map).map((view) => view.map.signed);
    signed.hidden = !kinds.includes(true);
    unsigned.hidden = !kinds.includes(false);
    layout.hidden = viewer.views.length < 2;
    common.hidden = layout.hidden || viewer.spec.scaleFixed;
    patch.hidden = !viewer.spec.patch;
    contours.hidden = !viewer.contours.length;
    contours.lastChild.textContent = viewer.contours.map((contour) => contour.name).join(', ');
    top.value = settings.top === null ? '' : String(settings.top);
  });
  const group = (title, ...fields) => h('section', {}, h('h4', { text: title }), h('div', { class: 'fields' }, ...fields));
  const relevance = group('Relevance', overlay, signed, unsigned,
    h('label', { class: 'field' }, h('span', { text: 'Scale ends at' }), top), common,
    controls.toggle({ text: 'Fade weak relevance', setting: 'fade' }));
  controls.syncs.push(() => { relevance.hidden = viewer.views.every((view) => !view.map); });
  return h('div', { class: 'panel settings', hidden: true, role: 'group', 'aria-label': 'Display settings' },
    relevance,
    group('Scan', controls.slider({ text: 'Black', setting: 'black', low: -0.5, high: 0.9, step: 0.01, show: share }),
      controls.slider({ text: 'White', setting: 'white', low: 0.1, high: 1.25, step: 0.01, show: share }),
      controls.toggle({ text: 'Smooth', setting: 'smooth' })),
    group('Planes', controls.select({ text: 'Shown', setting: 'planes', label: 'Planes shown', options: planes }),
      controls.select({ text: 'Sides', setting: 'convention', label: 'Left and right', options: conventions }), layout, play,
      controls.toggle({ text: 'Crosshair', setting: 'crosshair' }), patch, contours),
    controls.button({ label: 'Reset settings', text: 'Reset', name: 'reset', press: () => viewer.reset() }));
}
