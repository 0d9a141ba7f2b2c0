/**
 * The address bar is the state of the application: path, query, time range, columns, open detail. One signal holds it;
 * whoever wants to change what is seen changes the address, so that every link, bookmark and Back shows the same view.
 *
 * Parameters that travel from page to page: `t` time range, `tz` zone, `db` databases, `pin` conditions that the rail takes
 * along. Others belong to one page.
 */
import { type ReadonlySignal, signal } from '@preact/signals';

export interface Place {
  readonly path: string;
  readonly params: URLSearchParams;
}

/** Parameters that a link to another page keeps. */
const TRAVELLING = ['t', 'tz', 'db', 'pin'] as const;
/** Where a list goes on from; it belongs to one question and goes with it. */
const OLDER = 'older';

const current = signal<Place>({ path: '/', params: new URLSearchParams() });

export const place: ReadonlySignal<Place> = current;

export type Patch = Readonly<Record<string, string | undefined>>;

/** Takes the address over: reads it now, after Back and Forward, and for clicks on links of this application. */
export function startRouting(): void {
  current.value = readPlace();
  addEventListener('popstate', () => {
    current.value = readPlace();
  });
  addEventListener('click', followLink);
}

function readPlace(): Place {
  return { path: location.pathname, params: new URLSearchParams(location.search) };
}

/** Goes to `href`; `replace` for changes that Back should not stop at, such as typing. */
export function go(href: string, options: { readonly replace?: boolean } = {}): void {
  const target = new URL(href, location.origin);
  if (target.origin !== location.origin) return;
  const pathChanged = target.pathname !== location.pathname;
  if (options.replace === true) history.replaceState(null, '', target);
  else history.pushState(null, '', target);
  current.value = readPlace();
  if (pathChanged && options.replace !== true) scrollTo(0, 0);
}

/** The present address with some parameters changed; `undefined` and the empty text take one away. */
export function patched(patch: Patch, from: Place = current.value): string {
  const params = new URLSearchParams(from.params);
  if ('q' in patch || 't' in patch) params.delete(OLDER);
  for (const [name, value] of Object.entries(patch)) {
    if (value === undefined || value === '') params.delete(name);
    else params.set(name, value);
  }
  return join(from.path, params);
}

/** Changes parameters of the present page. */
export function setParams(patch: Patch, options: { readonly replace?: boolean } = {}): void {
  go(patched(patch), options);
}

/** Address of another page that keeps the time range and zone. */
export function linkTo(path: string, patch: Patch = {}, from: Place = current.value): string {
  const params = new URLSearchParams();
  for (const name of TRAVELLING) {
    const value = from.params.get(name);
    if (value !== null) params.set(name, value);
  }
  return patched(patch, { path, params });
}

/** Path segment for a name that may hold any character. */
export function segment(name: string): string {
  return encodeURIComponent(name).replaceAll('.', '%2E');
}

/** Values of the `:name` parts of `pattern` when the path fits, else `undefined`. A broken escape fits nothing. */
export function matchPath(pattern: string, path: string): Readonly<Record<string, string>> | undefined {
  const wanted = pattern.split('/');
  const found = path.split('/');
  if (wanted.length !== found.length) return undefined;
  const values: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const value = found[index] ?? '';
    if (!part.startsWith(':')) {
      if (part !== value) return undefined;
      continue;
    }
    try {
      values[part.slice(1)] = decodeURIComponent(value);
    } catch {
      return undefined;
    }
  }
  return values;
}

/** Colons, commas and slashes stay readable: they need no escape in a query string, and people mail these links. */
function join(path: string, params: URLSearchParams): string {
  const text = params.toString().replaceAll('%3A', ':').replaceAll('%2C', ',').replaceAll('%2F', '/');
  return text === '' ? path : `${path}?${text}`;
}

function followLink(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0) return;
  if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
  const link = event.composedPath().find((node) => node instanceof HTMLAnchorElement);
  if (!(link instanceof HTMLAnchorElement) || link.origin !== location.origin) return;
  if (link.hasAttribute('download') || link.target !== '' || link.getAttribute('href')?.startsWith('#') === true)
    return;
  if (link.pathname.startsWith('/api/')) return;
  event.preventDefault();
  go(link.href);
}
