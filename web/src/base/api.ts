/** Calls to the console's API: same origin, cookie session, JSON. Answers' shapes are those of `src/console/api`. */
import type { Problem } from '#src/console/api/common.js';

const PREFIX = '/api/v1';

export type Params = Readonly<Record<string, string | number | boolean | undefined>>;

/** What the server refused, or that it could not be reached (`status` 0). */
export class ApiProblem extends Error {
  readonly status: number;
  readonly code: string;
  /** Column of the query, from 1, for errors within it. */
  readonly column: number | undefined;
  /** Names the error in the server's log. */
  readonly id: string | undefined;

  constructor(status: number, problem: Problem) {
    super(problem.message);
    this.name = 'ApiProblem';
    this.status = status;
    this.code = problem.code;
    this.column = problem.column;
    this.id = problem.id;
  }
}

let onSignedOut: () => void = () => {};

/** Called whenever the server says that the sign-in has ended. */
export function whenSignedOut(listener: () => void): void {
  onSignedOut = listener;
}

/** Address of a route of the API; absent parameters are left out. */
export function apiUrl(path: string, params: Params = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value !== undefined) search.set(name, String(value));
  }
  const text = search.toString();
  return `${PREFIX}${path}${text === '' ? '' : `?${text}`}`;
}

export async function ask<T>(path: string, params: Params = {}, signal?: AbortSignal): Promise<T> {
  return await call<T>('GET', apiUrl(path, params), undefined, signal);
}

export async function send<T>(method: 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, body?: unknown): Promise<T> {
  return await call<T>(method, apiUrl(path), body, undefined);
}

const NO_ANSWER = 'The console does not answer. It is asked again every few seconds; what is on the page stays.';
const NOT_SENT = 'The console does not answer, so nothing was done. Try again when it is back.';
/** After which time. */
export const AGAIN_MS = 3000;

async function call<T>(method: string, url: string, body: unknown, signal: AbortSignal | undefined): Promise<T> {
  const init: RequestInit = { method, headers: { accept: 'application/json' }, credentials: 'same-origin' };
  if (signal !== undefined) init.signal = signal;
  if (body !== undefined) {
    init.headers = { ...init.headers, 'content-type': 'application/json' };
    init.body = JSON.stringify(body);
  }
  const response = await fetched(url, init, method === 'GET' ? NO_ANSWER : NOT_SENT);
  if (response.ok) return (await response.json()) as T;
  throw await refusal(response);
}

/** Has the browser save what a route answers, under the name that the server gives. Rejects when it refuses. */
export async function saveFile(path: string): Promise<void> {
  const response = await fetched(apiUrl(path), { credentials: 'same-origin' }, NO_ANSWER);
  if (!response.ok) throw await refusal(response);
  const name = /filename="([^"]*)"/.exec(response.headers.get('content-disposition') ?? '')?.[1] ?? '';
  const address = URL.createObjectURL(await response.blob());
  const link = Object.assign(document.createElement('a'), { href: address, download: name });
  link.click();
  URL.revokeObjectURL(address);
}

async function fetched(url: string, init: RequestInit, unreachable: string): Promise<Response> {
  try {
    return await fetch(url, init);
  } catch (error) {
    if (init.signal?.aborted === true) throw error;
    throw new ApiProblem(0, { code: 'unreachable', message: unreachable });
  }
}

/** What the server refused; that the sign-in ended is told to whom it concerns. */
async function refusal(response: Response): Promise<ApiProblem> {
  const problem = await problemOf(response);
  if (response.status === 401 && problem.code === 'sign-in-needed') onSignedOut();
  return problem;
}

async function problemOf(response: Response): Promise<ApiProblem> {
  let found: unknown;
  try {
    found = await response.json();
  } catch {
    found = undefined;
  }
  if (isProblem(found)) return new ApiProblem(response.status, found);
  return new ApiProblem(response.status, {
    code: 'http',
    message: `The console answered with status ${response.status}.`,
  });
}

function isProblem(value: unknown): value is Problem {
  return typeof value === 'object' && value !== null && 'code' in value && 'message' in value;
}
