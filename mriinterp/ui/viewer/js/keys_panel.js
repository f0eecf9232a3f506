// The list of keys and ways of the mouse.

import { h } from './dom.js';
import { KEYS, MOUSE } from './keys.js';

function list(title, entries) {
  const rows = entries.map(({ shown, words }) => h('div', {}, h('dt', { text: shown }), h('dd', { text: words })));
  return h('section', {}, h('h4', { text: title }), h('dl', {}, ...rows));
}

export function keysPanel() {
  return h('div', { class: 'panel keys', hidden: true, role: 'group', 'aria-label': 'Keys and mouse' },
    list('Keys in a plane', KEYS), list('Mouse', MOUSE));
}
