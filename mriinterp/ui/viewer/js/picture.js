// What is shown, as one PNG: every canvas and every line of text where it stands.

import { h } from './dom.js';

const MARGIN = 12;

function drawText(context, element, origin) {
  const text = element.textContent.trim();
  if (!text || element.offsetParent === null) return;
  const style = getComputedStyle(element);
  const range = document.createRange();
  range.selectNodeContents(element);
  const size = parseFloat(style.fontSize);
  context.font = `${style.fontWeight} ${size}px ${style.fontFamily}`;
  context.fillStyle = style.color;
  context.textAlign = 'left';
  context.textBaseline = 'top';
  const bounds = range.getBoundingClientRect();
  // Lines break in the picture where they break on the screen, roughly: by words within the element's width.
  const wide = element.getBoundingClientRect().width + 2;
  let line = '';
  let y = bounds.top - origin.top + 2;
  for (const word of text.split(' ')) {
    const longer = line ? `${line} ${word}` : word;
    if (line && context.measureText(longer).width > wide) {
      context.fillText(line, bounds.left - origin.left, y);
      y += size * 1.35;
      line = word;
    } else line = longer;
  }
  context.fillText(line, bounds.left - origin.left, y);
}

function pictureOf(viewer) {
  const origin = viewer.stage.getBoundingClientRect();
  const end = viewer.footer.getBoundingClientRect();
  const ratio = Math.max(2, globalThis.devicePixelRatio || 1);
  const [width, height] = [origin.width + 2 * MARGIN, end.bottom - origin.top + 2 * MARGIN];
  const canvas = document.createElement('canvas');
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext('2d');
  context.scale(ratio, ratio);
  context.fillStyle = viewer.colors.background;
  context.fillRect(0, 0, width, height);
  context.translate(MARGIN, MARGIN);
  for (const part of viewer.stage.querySelectorAll('canvas')) {
    const box = part.getBoundingClientRect();
    if (box.width) context.drawImage(part, box.left - origin.left, box.top - origin.top, box.width, box.height);
  }
  for (const part of viewer.root.querySelectorAll('[data-text]')) drawText(context, part, origin);
  return canvas;
}

export function savePicture(viewer) {
  viewer.draw();
  pictureOf(viewer).toBlob((blob) => {
    const url = URL.createObjectURL(blob);
    const place = viewer.space.mm(viewer.cursor).map((v) => Math.round(v)).join('_');
    const name = `${viewer.spec.key}_${viewer.settings.view}_${place}.png`.replace(/[^\w.-]+/g, '-');
    const link = h('a', { href: url, download: name });
    viewer.root.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
  }, 'image/png');
}
