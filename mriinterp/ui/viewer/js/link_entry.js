// Entry of the component with the button that copies the address.

import { h } from './dom.js';
import { keepHistory } from './history.js';
import { copyText, onlyHere } from './link.js';

const NOTE_TIME = 8000; // ms
const mounted = new WeakMap();

function button() {
  const note = h('span', { class: 'note', role: 'status' });
  const label = h('span', { text: 'Copy link' });
  let timer;
  const copy = async () => {
    const copied = await copyText(location.href);
    label.textContent = copied ? 'Copied' : 'Copy link';
    note.textContent = copied ? onlyHere(location.hostname) : 'The browser does not let a page copy: take the address above.';
    clearTimeout(timer);
    timer = setTimeout(() => { label.textContent = 'Copy link'; note.textContent = ''; }, NOTE_TIME);
  };
  const element = h('button', {
    type: 'button', class: 'copy', onclick: copy, title: `Copies the address of what is shown. ${onlyHere(location.hostname)}`.trim(),
  }, label);
  return h('div', { class: 'link' }, element, note);
}

export default function ({ data, parentElement }) {
  keepHistory(data.choices);
  if (data.first && location.search.slice(1) !== data.query) {
    history.replaceState({}, '', location.pathname + (data.query ? `?${data.query}` : '') + location.hash);
  }
  if (!mounted.has(parentElement)) {
    mounted.set(parentElement, button());
    parentElement.append(mounted.get(parentElement));
  }
  return () => {
    mounted.get(parentElement)?.remove();
    mounted.delete(parentElement);
  };
}
