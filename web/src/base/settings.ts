/** Small choices of this browser (theme, folded rail, keys). Where storage is forbidden they last as long as the page. */

const PREFIX = 'wiretrail.';
const fallback = new Map<string, string>();

export function readSetting(name: string): string | undefined {
  try {
    return localStorage.getItem(PREFIX + name) ?? undefined;
  } catch {
    return fallback.get(name);
  }
}

export function writeSetting(name: string, value: string | undefined): void {
  if (value === undefined) fallback.delete(name);
  else fallback.set(name, value);
  try {
    if (value === undefined) localStorage.removeItem(PREFIX + name);
    else localStorage.setItem(PREFIX + name, value);
  } catch {
    // Kept in `fallback`.
  }
}
