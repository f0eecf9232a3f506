// The panel of settings that are needed less often.

import { SCALES } from './colors.js';
import { h } from './dom.js';

const share = (v) => `${Math.round(100 * v)} %`;

export function displayPanel(viewer, controls) {
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
  return h('div', { class: 'bar panel', hidden: true, role: 'group', 'aria-label': 'Display settings' },
    controls.slider({ text: 'Black', setting: 'black', low: -0.5, high: 0.9, step: 0.01, show: share }),
    controls.slider({ text: 'White', setting: 'white', low: 0.1, high: 1.25, step: 0.01, show: share }),
    signed, unsigned,
    h('label', { class: 'field' }, h('span', { text: 'Scale ends at' }), top),
    common, layout,
    controls.toggle({ text: 'Fade weak relevance', setting: 'fade' }),
    controls.toggle({ text: 'Smooth', setting: 'smooth' }),
    controls.toggle({ text: 'Crosshair', setting: 'crosshair' }), patch, contours,
    controls.button({ label: 'Reset settings', text: 'Reset', name: 'reset', press: () => viewer.reset() }));
}
