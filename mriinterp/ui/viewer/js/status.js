// Words under the picture: where the crosshair is, what is there, and how much is shown.

import { formatCount, formatMm, formatNumber } from './numbers.js';

// Status line and the readings of every map at the crosshair.
export function describePlace(viewer) {
  const index = viewer.space.index(viewer.cursor);
  const mm = viewer.space.mm(viewer.cursor);
  const parts = [
    `${viewer.spec.space} (${mm.map(formatMm).join(', ')}) mm`,
    `voxel (${viewer.space.fileVoxel(viewer.cursor).join(', ')})`,
    `${viewer.spec.scanLabel} ${formatNumber(viewer.views[0].scan.value(index))}`,
  ];
  for (const view of viewer.views) {
    if (!view.map) continue;
    const text = formatNumber(view.map.value(index), 4);
    if (viewer.views.length === 1) parts.push(`${viewer.spec.valueLabel} ${text}`);
    view.reading.textContent = viewer.views.length === 1 ? '' : text;
  }
  if (viewer.areas) parts.push(viewer.areas.at(index));
  viewer.status.textContent = parts.join(' · ');
  viewer.toolbar.showCursor(mm);
}

export function describeShown(viewer) {
  const view = viewer.views.find((one) => one.measured);
  if (!view || viewer.views.length > 1) { viewer.shown.textContent = ''; return; }
  const { voxels, clusters } = view.measured;
  const size = view.map.signed ? '|value|' : 'value';
  const least = view.threshold > 0 ? `${size} ≥ ${formatNumber(view.threshold)}: ` : '';
  const volume = (voxels * viewer.space.voxelVolume) / 1000;
  viewer.shown.textContent = `Shown: ${least}${formatCount(voxels)} voxels (${formatNumber(volume)} cm³) `
    + `in ${formatCount(clusters)} ${clusters === 1 ? 'cluster' : 'clusters'}`;
}
