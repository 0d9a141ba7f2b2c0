/**
 * What CONNECT and REFUSE say: connect descriptors `(DESCRIPTION=(CONNECT_DATA=(SERVICE_NAME=…)(CID=(PROGRAM=…)…)))`,
 * read without regard to case, nesting depth or white space.
 */

export interface ConnectFacts {
  readonly service: string | undefined;
  readonly program: string | undefined;
  readonly host: string | undefined;
  readonly osUser: string | undefined;
}

const VALUE_LENGTH_MAX = 1024;

/** The facts in a connect descriptor; `HOST` and `USER` are those of the client (`CID`), not of the address. */
export function connectFacts(text: string): ConnectFacts {
  const cid = section(text, 'CID') ?? '';
  const data = section(text, 'CONNECT_DATA') ?? text;
  return {
    service: value(data, 'SERVICE_NAME') ?? value(data, 'SID'),
    program: value(cid, 'PROGRAM'),
    host: value(cid, 'HOST'),
    osUser: value(cid, 'USER'),
  };
}

/** The number after `ERR=` in the text of a REFUSE, as an ORA code. */
export function refusalCode(text: string): string | undefined {
  const code = value(text, 'ERR') ?? value(text, 'CODE');
  return code !== undefined && /^\d{1,5}$/.test(code) ? `ORA-${code.padStart(5, '0')}` : undefined;
}

/** The port in the address of a redirect; `undefined` without one. */
export function portOf(text: string): number | undefined {
  const port = value(text, 'PORT');
  return port !== undefined && /^\d{1,5}$/.test(port) ? Number(port) : undefined;
}

/** The inside of `(NAME=…)` up to its closing bracket, or to the end where that is missing. */
function section(text: string, name: string): string | undefined {
  const from = start(text, name);
  if (from < 0) return undefined;
  let depth = 1;
  for (let at = from; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === 0x28) depth++;
    else if (unit === 0x29 && --depth === 0) return text.slice(from, at);
  }
  return text.slice(from);
}

function value(text: string, name: string): string | undefined {
  const inside = section(text, name);
  if (inside === undefined || inside.includes('(')) return undefined;
  const trimmed = inside.trim().slice(0, VALUE_LENGTH_MAX);
  const quoted = /^(["'])(.*)\1$/s.exec(trimmed);
  const plain = quoted ? (quoted[2] as string) : trimmed;
  return plain === '' ? undefined : plain;
}

/** Offset behind `(NAME=`, or -1. */
function start(text: string, name: string): number {
  const found = new RegExp(`\\(\\s*${name}\\s*=`, 'i').exec(text);
  return found ? found.index + found[0].length : -1;
}
