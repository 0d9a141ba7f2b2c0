/** Maps that remember answers: bounded by the number of their entries. */

/** Puts an entry in as the newest. Of more than `entriesMax` entries the oldest is forgotten. */
export function setNewest<K, V>(map: Map<K, V>, key: K, value: V, entriesMax: number): void {
  map.delete(key);
  map.set(key, value);
  const oldest = map.keys().next();
  if (map.size > entriesMax && oldest.done !== true) map.delete(oldest.value);
}
