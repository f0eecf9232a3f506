// Copying an address, and what to say of one that is of no use elsewhere.

const LOCAL = /^(localhost|.*\.localhost|127(\.\d+){3}|\[::1\])$/;

export function onlyHere(hostname) {
  return LOCAL.test(hostname) ? 'It opens on this computer only: its address is localhost.' : '';
}

// Pages that are not served safely have no clipboard; there a text field is selected and copied.
function copyByField(text) {
  const field = document.createElement('textarea');
  field.value = text;
  field.style.position = 'fixed';
  field.style.opacity = '0';
  document.body.append(field);
  field.select();
  const done = document.execCommand('copy');
  field.remove();
  return done;
}

export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyByField(text);
  }
}
