// Volumes that arrived, by digest. Shared by every component of the page, so that each travels once.

function volumeStore() {
  globalThis.mriinterpVolumes ??= new Map();
  return globalThis.mriinterpVolumes;
}

function storeEntry(digest) {
  const store = volumeStore();
  if (!store.has(digest)) {
    const entry = { users: 0, started: false };
    entry.promise = new Promise((resolve, reject) => Object.assign(entry, { resolve, reject }));
    store.set(digest, entry);
  }
  return store.get(digest);
}

async function inflate(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// A message is 32 characters of digest, then the gzipped codes.
export function keepVolume(message) {
  const digest = new TextDecoder().decode(message.subarray(0, 32));
  const entry = storeEntry(digest);
  entry.users += 1;
  if (!entry.started) {
    entry.started = true;
    inflate(message.slice(32)).then(entry.resolve, entry.reject);
  }
  return digest;
}

export function releaseVolume(digest) {
  const entry = volumeStore().get(digest);
  if (entry && (entry.users -= 1) <= 0) volumeStore().delete(digest);
}

export function volumeBytes(digest) {
  return storeEntry(digest).promise;
}
