// One entry of the browser's history for each choice, none for a crosshair, a slider or a setting.
//
// Streamlit adds an entry whenever the query of the address changes. Within a page this takes the place of the entry
// instead, unless one of the choices differs.

// `always` are choices that every address of a page holds: one that is only now filled in was not made. `others` are left
// out where they have their usual value.
export function isChoice(before, after, { always, others }) {
  const [from, to] = [before, after].map((query) => new URLSearchParams(query));
  const differs = (key) => from.getAll(key).join(',') !== to.getAll(key).join(',');
  const known = always.filter((key) => from.has(key));
  return known.some(differs) || (known.length > 0 && others.some(differs));
}

export function keepHistory(choices) {
  history.mriinterpChoices = choices;
  if (Object.hasOwn(history, 'pushState')) return;
  const push = history.pushState.bind(history);
  history.pushState = (state, title, url) => {
    const to = new URL(url ?? location.href, location.href);
    const samePage = to.pathname === location.pathname && to.hash === location.hash;
    if (samePage && !isChoice(location.search, to.search, history.mriinterpChoices)) history.replaceState(state, title, url);
    else push(state, title, url);
  };
}
